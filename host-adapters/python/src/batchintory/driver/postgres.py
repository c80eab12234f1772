"""PostgreSQL, by psycopg 3 or psycopg2."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from batchintory.driver.placeholders import numbered
from batchintory.driver.session import read_rows
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Refusal, Rows, Value

#: See ``src/sqlstate.rs``, which says the same with names.
_KINDS = {
    "23505": "conflict",
    "40001": "retryable",
    "40P01": "retryable",
    "55P03": "retryable",
    "57P01": "outcome-unknown",
    "57P02": "outcome-unknown",
    "57P03": "unavailable",
    "53300": "unavailable",
}
_REFUSALS: dict[str, Refusal] = {
    "42P01": "no-such-table",
    "3F000": "no-such-table",
    "42703": "no-such-column",
    "42883": "wrong-type",
    "42804": "wrong-type",
    "42846": "wrong-type",
    "22P02": "wrong-type",
    "22007": "wrong-type",
    "22003": "wrong-type",
    "25006": "read-only",
    "42501": "not-permitted",
}


def from_sqlstate(code: str, message: str) -> DatabaseError:
    """The error of a statement to which the server answered with this SQLSTATE and message."""
    kind = _KINDS.get(code) or ("outcome-unknown" if code.startswith("08") else "failed")
    refusal = _REFUSALS.get(code, "other")
    return DatabaseError(kind, message, refusal=refusal, code=code)  # type: ignore[arg-type]


class _Postgres:
    dialect: Dialect = "postgresql"
    autocommit = True

    def __init__(self, module: ModuleType) -> None:
        self.error: type[Exception] = module.Error
        # Of these the server said nothing: it is not known whether they took effect.
        self._unknown = (module.OperationalError, module.InterfaceError)

    def mode(self, connection: Any) -> Any:
        return bool(connection.autocommit)

    def set_mode(self, connection: Any, mode: Any) -> None:
        connection.autocommit = mode

    def is_alive(self, connection: Any, idle_seconds: float) -> bool:
        return not connection.closed

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        numbers = {str(number): value for number, value in enumerate(parameters, 1)}
        return numbered(statement), numbers

    def explain(self, error: Exception) -> DatabaseError:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        diagnosis = getattr(error, "diag", None)
        message = getattr(diagnosis, "message_primary", None) or str(error).strip()
        if code:
            return from_sqlstate(code, message)
        if isinstance(error, self._unknown):
            return DatabaseError("outcome-unknown", message)
        return DatabaseError("failed", message)


class Psycopg(_Postgres):
    """By psycopg 3. Statements are sent without a name, so that every pooler will do."""

    def __init__(self) -> None:
        import psycopg
        from psycopg.rows import tuple_row

        super().__init__(psycopg)
        self._cursor = psycopg.RawCursor
        self._row = tuple_row

    def set_up(self, connection: Any) -> None:
        connection.autocommit = True
        connection.prepare_threshold = None

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        cursor = self._cursor(connection, row_factory=self._row)
        cursor.execute(statement, parameters or None, prepare=False)
        if cursor.description is None:
            return Rows((), max(cursor.rowcount, 0))
        found = read_rows(cursor.fetchall())
        writes = not (cursor.statusmessage or "").startswith("SELECT")
        return Rows(found, cursor.rowcount if writes else 0)


class Psycopg2(_Postgres):
    """By psycopg2, which puts parameters into the statement as literals."""

    def __init__(self) -> None:
        import psycopg2

        super().__init__(psycopg2)

    def set_up(self, connection: Any) -> None:
        connection.autocommit = True

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(*self.placed(statement, parameters))
            if cursor.description is None:
                return Rows((), max(cursor.rowcount, 0))
            found = read_rows(cursor.fetchall())
            writes = not (cursor.statusmessage or "").startswith("SELECT")
            return Rows(found, cursor.rowcount if writes else 0)
