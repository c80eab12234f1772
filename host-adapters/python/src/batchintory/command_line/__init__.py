"""The command ``batchintory`` of this package: creating an inventory, looking at it, requeueing.

Commands, options, exit codes and JSON are those of the program of the same name, which has more commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from batchintory import errors
from batchintory.command_line.arguments import parser
from batchintory.command_line.output import tell
from batchintory.records import to_json

__all__ = ["main"]

#: Exit codes: an error, and a command line or request that makes no sense.
ERROR, USAGE, INTERRUPTED = 1, 2, 130

_USAGE = (errors.InvalidRequest, errors.ConfigurationChanged, errors.SettingsError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    :param arguments: its arguments; by default those of the process.
    :returns: the exit code: 0 where it is done, 1 for an error, 2 where the command line makes no sense.
    """
    given = parser().parse_args(arguments)
    try:
        given.run(given)
        sys.stdout.flush()
    except errors.BatchintoryError as error:
        hint = _hint(error)
        if given.json:
            tell(to_json({"error": error.name, **_facts(error), "message": str(error), "hint": hint}))
        else:
            tell(f"error: {error}")
            if hint:
                tell(f"hint: {hint}")
        return USAGE if isinstance(error, _USAGE) else ERROR
    except BrokenPipeError:
        # Whoever reads has seen enough. The interpreter would complain when it writes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _facts(error: errors.BatchintoryError) -> dict[str, object]:
    if not isinstance(error, errors.PlannerError):
        return {}
    names = errors.Explanation._fields[1:]
    return {name: getattr(error, name) for name in names}


def _hint(error: errors.BatchintoryError) -> str | None:
    if isinstance(error, errors.NoSuchTable) and error.database == "inventory" and error.field is None:
        return "run `batchintory migrate` once to create the inventory"
    if isinstance(error, errors.NoSuchTable):
        return "name the table by --meta-table and its database by --meta"
    return None
