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
from batchintory.statements import DatabaseError, Refusal, Rows, Value

#: What a session must have, whatever the server's defaults are. A lock is waited for as long as SQLite's.
SESSION = (
    "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', "
    "innodb_lock_wait_timeout = 5"
)

#: How long a connection may lie idle before it is looked at, at the cost of a round trip. The statements of one
#: call follow each other faster.
_IDLE_SECONDS = 0.1

# By code: an SQLSTATE says much less here. MariaDB and MySQL share the codes below 1900.
_CONFLICT = frozenset({1022, 1062, 1586})
_RETRYABLE = frozenset({1020, 1205, 1213, 1412, 1615, 1689, 3101, 3572})
_UNAVAILABLE = frozenset({1040, 1047, 1203, 1226, 2002, 2003, 2005})
_UNKNOWN = frozenset(
    {1053, 1077, 1078, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2055, 3169, 4031}
)
_REFUSALS: dict[Refusal, frozenset[int]] = {
    "no-such-table": frozenset({1049, 1051, 1109, 1146}),
    "no-such-column": frozenset({1054, 1072}),
    "wrong-type": frozenset({1264, 1265, 1292, 1366, 1406, 1411, 1690, 3140, 4078, 4079}),
    "read-only": frozenset({1036, 1290, 1792, 1836}),
    "not-permitted": frozenset({1044, 1142, 1143, 1227, 1370}),
}


class Mysql:
    """MySQL or MariaDB, whatever the module."""

    dialect: Dialect = "mysql"
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

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(*self.placed(statement, parameters))
            if cursor.description is None:
                return Rows((), max(cursor.rowcount, 0))
            return Rows(read_rows(cursor.fetchall()), 0)

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        # With parameters, even none, the modules read `%%` as `%`.
        return in_order(statement), tuple(map(_literal, parameters))

    def explain(self, error: Exception) -> DatabaseError:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else None
        message = str(error.args[1]) if code is not None and len(error.args) > 1 else str(error)
        if code in _CONFLICT:
            return DatabaseError("conflict", message)
        if code in _RETRYABLE:
            return DatabaseError("retryable", message)
        if code in _UNAVAILABLE:
            return DatabaseError("unavailable", message)
        if code in _UNKNOWN or type(error).__name__ == "InterfaceError":
            return DatabaseError("outcome-unknown", message)
        for refusal, codes in _REFUSALS.items():
            if code in codes:
                return DatabaseError("failed", message, refusal=refusal, code=str(code))
        return DatabaseError("failed", message, code=None if code is None else str(code))


def _literal(value: Value) -> Value:
    # There is no literal for infinity; nothing in a table is as large as this.
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(1.7976931348623157e308, value)
    return value
