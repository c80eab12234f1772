"""MySQL and MariaDB, by PyMySQL or mysqlclient, which both put parameters into the statement as literals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

from batchintory.driver.news import waits
from batchintory.driver.placeholders import in_order
from batchintory.driver.session import read_rows
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value

#: What a session must have, whatever the server's defaults are. A lock is waited for as long as SQLite's.
SESSION = (
    "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', "
    "innodb_lock_wait_timeout = 5"
)

#: Whether a session of this number has such a client.
_SESSION_OF = "SELECT id FROM information_schema.processlist WHERE id = ? AND host LIKE ?"

#: How long a connection may lie idle before it is looked at, at the cost of a round trip. The statements of one
#: call follow each other faster.
_IDLE_SECONDS = 0.1


class Mysql:
    """MySQL or MariaDB, whatever the module."""

    dialect: Dialect = "mysql"
    #: Read-only by an option, or by a mode.
    no_writes = frozenset({"1290", "1836"})
    autocommit = True
    fork_gate: AbstractContextManager[None] = nullcontext()

    def __init__(self, module: ModuleType) -> None:
        self.error: type[Exception] = module.Error

    def set_up(self, connection: Any) -> None:
        connection.autocommit(True)
        with connection.cursor() as cursor:
            cursor.execute(SESSION)

    def mode(self, connection: Any) -> Any:
        return bool(connection.get_autocommit())

    def set_mode(self, connection: Any, mode: Any) -> None:
        connection.autocommit(mode)

    def is_alive(self, connection: Any, idle_seconds: float) -> bool:
        # PyMySQL's has a socket; the other module says nothing of its own.
        socket = getattr(connection, "_sock", None)
        if idle_seconds > _IDLE_SECONDS or (socket is not None and waits(socket.fileno())):
            try:
                connection.ping(False)
            except self.error:
                return False
        return True

    def descriptor(self, connection: Any) -> int | None:
        # PyMySQL's has a socket; the other module tells it since a version of its own.
        tells = getattr(connection, "_sock", None) or connection
        fileno = getattr(tells, "fileno", None)
        return None if fileno is None else int(fileno())

    def number(self, connection: Any) -> int:
        return int(connection.thread_id())

    def end(self, other: Any, number: int, port: int) -> None:
        # Without a port it is the client of a socket, which no pooler is.
        host = "localhost" if port == -1 else f"%:{port}"
        found = self.run(other, _SESSION_OF, (number, host))
        if found.rows:
            self.run(other, f"KILL {number}", ())

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(*self.placed(statement, parameters))
            if cursor.description is None:
                return Rows((), max(cursor.rowcount, 0))
            return Rows(read_rows(self.dialect, cursor.fetchall()), 0)

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        # With parameters, even none, the modules read `%%` as `%`.
        return in_order(statement), tuple(map(_literal, parameters))

    def explain(self, error: Exception) -> DatabaseError:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        message = str(error.args[1]) if code and len(error.args) > 1 else str(error)
        # Numbers from 2000 on are the client's own: the connection is lost, or was closed.
        if code in range(2000, 3000) or type(error).__name__ == "InterfaceError":
            return DatabaseError("outcome-unknown", message)
        # An SQLSTATE says much less here.
        return DatabaseError("refused", message, code=str(code or ""))


def _literal(value: Value) -> Value:
    # There is no literal for infinity; nothing in a table is as large as this.
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(1.7976931348623157e308, value)
    return value
