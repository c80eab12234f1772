"""What may stand on the command line."""

from __future__ import annotations

import argparse
from typing import NoReturn

import batchintory
from batchintory.command_line import commands
from batchintory.command_line.output import without_urls
from batchintory.inventory import CAP
from batchintory.records import IdRange

#: The most rows that `history` shows.
MOST_ROWS = 1_000


class _Parser(argparse.ArgumentParser):
    """Says what is wrong without the URLs that somebody typed: there may be passwords in them."""

    def error(self, message: str) -> NoReturn:
        super().error(without_urls(message))


def parser() -> _Parser:
    """Reads the arguments; ``run`` of what it gives is the command's function."""
    whole = _Parser(
        prog="batchintory",
        description="Hands the items of a table out in batches, exactly once per job, and keeps an inventory of "
        "every attempt.",
        epilog="Exit codes: 0 done, 1 an error, 2 the command line or the request makes no sense. Connections "
        "come from options, else from the environment, else from the dot-env file.",
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"batchintory {batchintory.__version__}")
    of_all = _of_all()
    several = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, what: str) -> argparse.ArgumentParser:
        made = several.add_parser(name, help=what, description=what + ".", parents=[of_all], allow_abbrev=False)
        made.set_defaults(run=getattr(commands, name))
        return made

    command("migrate", "Create the inventory table, or upgrade one of pybatchintory")
    _status(command("status", "Show all jobs"))
    _history(command("history", "Show attempts, latest first"))
    _requeue(command("requeue", "Have ranges handed out again"))
    return whole


def _of_all() -> _Parser:
    options = _Parser(add_help=False, allow_abbrev=False)
    group = options.add_argument_group("connections and output")
    for name, metavar, what in (
        ("inventory", "URL", "the inventory's database: sqlite:PATH, postgresql://… or mysql://…"),
        ("meta", "URL", "the meta tables' database; by default the inventory's"),
        ("inventory-table", "NAME", "the inventory table; by default inventory"),
        ("inventory-schema", "NAME", "the inventory table's schema"),
        ("meta-schema", "NAME", "the schema of meta tables that are named without one"),
        ("meta-name", "NAME", "the name of the source, where several meta databases share the inventory"),
        ("env-file", "FILE", "a file with lines such as BATCHINTORY_INVENTORY_CONN=…"),
    ):
        group.add_argument(f"--{name}", metavar=metavar, help=what)
    group.add_argument("--json", action="store_true", help="print JSON")
    return options


def _status(command: argparse.ArgumentParser) -> None:
    command.add_argument("--meta-table", metavar="TABLE", help="only jobs on this meta table")
    command.add_argument("--job", metavar="NAME", help="only this job")
    command.add_argument("--search", metavar="TEXT", help="only jobs whose names hold this text")
    command.add_argument(
        "--cap", metavar="COUNT", type=int, default=CAP, help="the most items to count of the rest (%(default)s)"
    )


def _history(command: argparse.ArgumentParser) -> None:
    command.add_argument("--uid", metavar="ID", type=int, help="only attempts at this item of the meta table")
    command.add_argument("--meta-table", metavar="TABLE", help="only of this meta table")
    command.add_argument("--job", metavar="NAME", help="only of this job")
    command.add_argument(
        "--queue", choices=("running", "retry", "requeued", "exhausted"), help="only attempts that wait so"
    )
    command.add_argument("--before", metavar="ID", type=int, help="only rows with a lower inventory id")
    command.add_argument(
        "--limit", metavar="COUNT", type=_limit, default=20, help="the most rows to show (%(default)s)"
    )


def _requeue(command: argparse.ArgumentParser) -> None:
    command.add_argument("--meta-table", metavar="TABLE", required=True, help="the job's meta table")
    command.add_argument("--job", metavar="NAME", required=True, help="the job")
    target = command.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--ids",
        metavar="IDS",
        type=_ids,
        help="all ranges that hold one of these ids: ID or FIRST..LAST, with commas between several",
    )
    target.add_argument("--batch", metavar="ID", type=int, help="the range of the batch with this id")
    target.add_argument("--exhausted", action="store_true", help="all ranges that failed as often as is allowed")


def _limit(given: str) -> int:
    try:
        limit = int(given)
    except ValueError:
        limit = 0
    if not 1 <= limit <= MOST_ROWS:
        raise argparse.ArgumentTypeError(f"{given!r} is not allowed: give a number from 1 to {MOST_ROWS}")
    return limit


def _ids(given: str) -> list[IdRange]:
    return [_range(part) for part in given.split(",")]


def _range(given: str) -> IdRange:
    first, dots, last = given.partition("..")
    try:
        return IdRange(int(first), int(last if dots else first))
    except ValueError:
        told = f"{given!r} is no id: give ID or FIRST..LAST, as in 42,100..199"
        raise argparse.ArgumentTypeError(told) from None
