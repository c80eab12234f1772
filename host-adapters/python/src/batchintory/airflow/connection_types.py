"""Which connections of Airflow lead to an inventory, and by which fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from batchintory.errors import SettingsError
from batchintory.inventory import Inventory

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy.engine import URL

#: The type of connections that are meant for an inventory.
CONNECTION_TYPE = "batchintory"
HOOK_NAME = "batchintory"

#: The system behind each type; the type of our own has it among its extras.
_SYSTEMS = {"postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}

#: Extras that are arguments of an inventory.
_ARGUMENTS = ("inventory_table", "meta_schema", "meta_name")


class Place(NamedTuple):
    """Where an inventory is."""

    #: Of SQLAlchemy, which shows no password.
    url: URL
    #: Of an inventory, by their names.
    arguments: dict[str, Any]
    #: The connection of the meta tables' database, where that is another one.
    meta: str | None

    def open(self, meta: Place | None) -> Inventory:
        """A new inventory, whose meta tables are in another place where one is given."""
        return Inventory(self.url, None if meta is None else meta.url, **self.arguments)


def place_of(connection: Connection) -> Place:
    """Where a connection leads. Extras that are no arguments of an inventory are options of its URL."""
    from sqlalchemy.engine import URL

    extras = dict(connection.extra_dejson)
    system = _system(connection, extras)
    meta = extras.pop("meta_conn_id", None)
    arguments = {name: str(extras.pop(name)) for name in _ARGUMENTS if name in extras}
    options = {name: _option(connection, name, value) for name, value in extras.items()}
    if system == "sqlite":
        if not connection.host:
            raise _refusal(connection, "names no file: its host is to be the path of the SQLite file")
        return Place(URL.create(system, database=connection.host, query=options), arguments, meta)
    url = URL.create(
        system,
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query=options,
    )
    return Place(url, arguments, meta)


def _system(connection: Connection, extras: dict[str, Any]) -> str:
    if connection.conn_type in _SYSTEMS:
        return _SYSTEMS[connection.conn_type]
    if connection.conn_type != CONNECTION_TYPE:
        known = ", ".join([CONNECTION_TYPE, *_SYSTEMS])
        raise _refusal(connection, f"is of the type {connection.conn_type!r}; known here are {known}")
    system = extras.pop("system", "postgresql")
    if system not in _SYSTEMS.values():
        known = ", ".join(_SYSTEMS.values())
        raise _refusal(connection, f"has an unknown system in its extras; known are {known}")
    return str(system)


def _option(connection: Connection, name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        # What it is may be a secret.
        raise _refusal(connection, f"has an extra {name!r} that is neither a text nor a number")
    return str(value)


def _refusal(connection: Connection, why: str) -> SettingsError:
    return SettingsError(f"the Airflow connection {connection.conn_id!r} {why}")
