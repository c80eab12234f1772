"""Settings: from the program, the environment, or a dot-env file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from batchintory import dot_env
from batchintory.errors import SettingsError
from batchintory.records import StatusLabels

#: Names of environment variables begin with one of these; the first one counts.
PREFIXES = ("BATCHINTORY_", "PYBATCHINTORY_")
NAMES = (
    "INVENTORY_CONN",
    "INVENTORY_CONN_SCHEMA",
    "INVENTORY_TABLE_NAME",
    "INVENTORY_STATUS_ENUMS",
    "META_CONN",
    "META_CONN_SCHEMA",
    "META_NAME",
    "DEBUG",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is configured. Connections may hold passwords, and are not shown."""

    inventory_conn: Any = field(default=None, repr=False)
    inventory_conn_schema: str | None = None
    inventory_table_name: str = "inventory"
    inventory_status_enums: StatusLabels = field(default_factory=StatusLabels)
    meta_conn: Any = field(default=None, repr=False)
    meta_conn_schema: str | None = None
    meta_name: str | None = None
    debug: bool = False

    @property
    def inventory_table(self) -> str:
        """The table with its schema."""
        if self.inventory_conn_schema is None:
            return self.inventory_table_name
        return f"{quoted(self.inventory_conn_schema)}.{quoted(self.inventory_table_name)}"


def quoted(name: str) -> str:
    """A part of a table's name, which may hold dots."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def load(file: str | os.PathLike[str] | None = None, settings: Mapping[str, Any] | None = None) -> Settings:
    """Settings that the program gives come first, then the environment's, then those of the dot-env file: the
    given one, or that which ``BATCHINTORY_ENV_FILE`` names."""
    given = {name.upper(): value for name, value in (settings or {}).items()}
    unknown = sorted(set(given) - set(NAMES))
    if unknown:
        raise SettingsError(f"the setting {unknown[0]} is not known; known are {', '.join(NAMES)}")
    environment = _prefixed(os.environ)
    values = {**_read(file if file is not None else environment.get("ENV_FILE")), **environment, **given}
    known = {name.lower(): values[name] for name in NAMES if values.get(name) is not None}
    known["debug"] = _truth(known.get("debug", False))
    if "inventory_status_enums" in known:
        known["inventory_status_enums"] = _labels(known["inventory_status_enums"])
    return Settings(**known)


def _prefixed(variables: Mapping[str, str | None]) -> dict[str, Any]:
    upper = {name.upper(): value for name, value in variables.items()}
    found: dict[str, Any] = {}
    for name in (*NAMES, "ENV_FILE"):
        for prefix in PREFIXES:
            value = upper.get(prefix + name)
            if value:
                found[name] = value
                break
    return found


def _read(file: str | os.PathLike[str] | None) -> dict[str, Any]:
    if file is None:
        return {}
    if not Path(file).is_file():
        raise SettingsError(f"there is no dot-env file {os.fspath(file)!r}; check its path")
    try:
        return _prefixed(dot_env.read(Path(file).read_text("utf-8")))
    except UnicodeDecodeError:
        reason = "it is no UTF-8 text"
    except dot_env.DotEnvError as error:
        reason = str(error)
    raise SettingsError(f"the dot-env file {os.fspath(file)!r}: {reason}")


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("1", "true", "yes", "on", "t", "y"):
        return True
    if word in ("0", "false", "no", "off", "f", "n"):
        return False
    raise SettingsError(f"DEBUG must be true or false, not {value!r}")


def _labels(value: Any) -> StatusLabels:
    """The words of the ``status`` column, by name. pybatchintory lists those that the column may hold, in any
    order and with others among them, and always writes ``running``, ``succeeded`` and ``failed``."""
    names = tuple(field.name for field in fields(StatusLabels))
    try:
        labels = json.loads(value) if isinstance(value, str) else value
        if isinstance(labels, Mapping):
            return StatusLabels(**{name: str(labels[name]) for name in {*names, *labels}})
        if {*names} <= {str(label) for label in labels}:
            return StatusLabels()
    except (TypeError, ValueError, LookupError):
        pass
    raise SettingsError(
        f"INVENTORY_STATUS_ENUMS must list the words {', '.join(names)}, in any order; other words for them are "
        'given by name, as in {"running": "runs", "succeeded": "done", "failed": "broken"}'
    )
