"""SQLite, by the standard library's module."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from batchintory.driver.session import read_rows, unreadable
from batchintory.fork_gate import gate
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value

#: How long a statement waits for another writer, in milliseconds.
BUSY_TIMEOUT = 5_000


class Sqlite:
    """SQLite lives in this process, so it is always known that a statement with an error had no effect."""

    dialect: Dialect = "sqlite"
    no_writes: frozenset[str] = frozenset()
    autocommit = None
    fork_gate: AbstractContextManager[None] = gate
    error: type[Exception] = sqlite3.Error

    def set_up(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        # A name that is no column must be an error and not a string; before Python 3.12 it cannot be said.
        if sys.version_info >= (3, 12):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DDL, False)

    def mode(self, connection: sqlite3.Connection) -> Any:
        return connection.isolation_level

    def set_mode(self, connection: sqlite3.Connection, mode: Any) -> None:
        connection.isolation_level = mode

    def is_alive(self, connection: sqlite3.Connection, idle_seconds: float) -> bool:
        return True

    def descriptor(self, connection: sqlite3.Connection) -> int | None:
        return None

    def number(self, connection: sqlite3.Connection) -> int:
        raise NotImplementedError

    def end(self, other: sqlite3.Connection, number: int, port: int) -> None:
        raise NotImplementedError

    def run(self, connection: sqlite3.Connection, statement: str, parameters: Sequence[Value]) -> Rows:
        # `rowcount` of a statement with RETURNING differs between versions of Python.
        before = connection.total_changes
        cursor = connection.execute(statement, parameters)
        found = read_rows(self.dialect, cursor.fetchall())
        return Rows(found, connection.total_changes - before)

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        return statement, tuple(parameters)

    def explain(self, error: Exception) -> DatabaseError:
        message = str(error)
        if message.startswith("Could not decode to UTF-8"):
            return unreadable(self.dialect, message)
        # Since Python 3.11; SQLITE_ERROR stands for all, and the words tell.
        return DatabaseError("refused", message, code=str(getattr(error, "sqlite_errorcode", 1)))
