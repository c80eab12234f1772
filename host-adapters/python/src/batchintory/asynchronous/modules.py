"""What is known of the database modules for event loops that SQLAlchemy connects by."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from batchintory.driver import mysql, postgres, sqlite
from batchintory.driver.news import waits
from batchintory.driver.placeholders import typed
from batchintory.errors import ConnectError
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Value

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

#: The types of the boundary in PostgreSQL. NULL is cast by the statement.
_TYPES: dict[type, str] = {
    type(None): "text",
    bool: "boolean",
    int: "bigint",
    float: "double precision",
    str: "text",
}


class AsyncModule(Protocol):
    """How to talk through the connections of one database module."""

    dialect: Dialect

    def set_up(self, cursor: Any) -> None:
        """Makes a session of our own ready, but for autocommit."""

    def is_alive(self, connection: Any) -> bool:
        """Whether a connection of the module that lay idle has not been closed, as far as it has been told."""

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        """A statement with its parameters as SQLAlchemy's ``exec_driver_sql`` takes them."""

    def explain(self, error: BaseException) -> DatabaseError:
        """An error of the module as one of the boundary."""


class Aiosqlite(sqlite.Sqlite):
    """SQLite, by aiosqlite."""

    def set_up(self, cursor: Any) -> None:
        """See :class:`AsyncModule`."""
        cursor.execute(f"PRAGMA busy_timeout = {sqlite.BUSY_TIMEOUT}")

    def is_alive(self, connection: Any, idle_seconds: float = 0.0) -> bool:
        """See :class:`AsyncModule`."""
        return True

    def explain(self, error: BaseException) -> DatabaseError:
        """See :class:`AsyncModule`."""
        return super().explain(error) if isinstance(error, self.error) else _lost(error)


class _Postgres:
    dialect: Dialect = "postgresql"
    style: Literal["$", "%"]

    def set_up(self, cursor: Any) -> None:
        """See :class:`AsyncModule`."""

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        """See :class:`AsyncModule`."""
        text = typed(statement, tuple(_TYPES[type(value)] for value in parameters), self.style)
        if self.style == "$":
            return text, tuple(parameters)
        return text, {str(number): value for number, value in enumerate(parameters, 1)}


class Asyncpg(_Postgres):
    """PostgreSQL, by asyncpg."""

    style = "$"

    def is_alive(self, connection: Any) -> bool:
        """See :class:`AsyncModule`."""
        return not connection.is_closed()

    def explain(self, error: BaseException) -> DatabaseError:
        """See :class:`AsyncModule`."""
        # SQLAlchemy's own error stands before that of the module.
        told: Any = error.__cause__ or error
        code = (
            getattr(told, "sqlstate", None) or getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        )
        message = getattr(told, "message", None) or str(told)
        return DatabaseError("refused", message, code=code) if code else _lost(told)


class Psycopg(_Postgres):
    """PostgreSQL, by psycopg 3."""

    style = "%"

    def __init__(self) -> None:
        self._module = postgres.Psycopg()

    def is_alive(self, connection: Any) -> bool:
        """See :class:`AsyncModule`."""
        # What the server says by itself is mostly that the session ends.
        return not (connection.closed or waits(connection.fileno()))

    def explain(self, error: BaseException) -> DatabaseError:
        """See :class:`AsyncModule`."""
        return self._module.explain(error) if isinstance(error, self._module.error) else _lost(error)


class AsyncMysql:
    """MySQL and MariaDB, by aiomysql or asyncmy."""

    dialect: Dialect = "mysql"

    def __init__(self, errors: str) -> None:
        self._module = mysql.Mysql(importlib.import_module(errors))

    def set_up(self, cursor: Any) -> None:
        """See :class:`AsyncModule`."""
        cursor.execute(mysql.SESSION)

    def is_alive(self, connection: Any) -> bool:
        """See :class:`AsyncModule`."""
        # Of aiomysql's the reader tells; asyncmy's tells only that it was closed at this end.
        reader = getattr(connection, "_reader", None)
        if reader is None:
            return bool(getattr(connection, "connected", True))
        return not reader.at_eof() and reader.exception() is None

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        """See :class:`AsyncModule`."""
        return self._module.placed(statement, parameters)

    def explain(self, error: BaseException) -> DatabaseError:
        """See :class:`AsyncModule`."""
        return self._module.explain(error) if isinstance(error, self._module.error) else _lost(error)


def _lost(error: BaseException) -> DatabaseError:
    """It was no database that said it: the connection is lost, or was never there."""
    return DatabaseError("outcome-unknown", str(error).strip() or type(error).__name__)


def module_of(engine: AsyncEngine) -> AsyncModule:
    """What talks to the engine's databases."""
    match engine.dialect.name, engine.dialect.driver:
        case "sqlite", "aiosqlite":
            return Aiosqlite()
        case "postgresql", "asyncpg":
            return Asyncpg()
        case "postgresql", "psycopg":
            return Psycopg()
        case (("mysql" | "mariadb"), "aiomysql"):
            return AsyncMysql("pymysql.err")
        case (("mysql" | "mariadb"), "asyncmy"):
            return AsyncMysql("asyncmy.errors")
        case name, driver:
            raise ConnectError(
                f"SQLAlchemy's {name}+{driver} is not known here; known are sqlite+aiosqlite, postgresql+asyncpg, "
                "postgresql+psycopg, mysql+aiomysql and mysql+asyncmy"
            )
