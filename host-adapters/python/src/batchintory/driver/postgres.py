"""PostgreSQL, by psycopg 3 or psycopg2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from types import ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from batchintory.driver import kept
from batchintory.driver.news import waits
from batchintory.driver.placeholders import numbered
from batchintory.driver.session import read_rows, unreadable
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value

#: How severe is what a server says before it ends a session.
_LAST_WORDS = frozenset({"FATAL", "PANIC"})

#: Ends a session of this number, if that has this port at its client's end; with a socket it is -1. Its
#: statement alone might not have begun yet, and would then go on.
_END = (
    "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
    "WHERE pid = $1 AND client_port = $2"
)


class _Postgres:
    dialect: Dialect = "postgresql"
    #: read_only_sql_transaction
    no_writes = frozenset({"25006"})
    autocommit = True
    fork_gate: AbstractContextManager[None] = nullcontext()

    def __init__(self, module: ModuleType) -> None:
        self.error: type[Exception] = module.Error
        # Of these the server said nothing: it is not known whether they took effect.
        self._unknown = (module.OperationalError, module.InterfaceError)

    def mode(self, connection: Any) -> Any:
        return bool(connection.autocommit)

    def set_mode(self, connection: Any, mode: Any) -> None:
        connection.autocommit = mode

    def is_alive(self, connection: Any, idle_seconds: float) -> bool:
        if connection.closed:
            return False
        # What the server says by itself is that the session ends, or that a setting has changed.
        return not waits(connection.fileno()) or self._answers(connection)

    def _answers(self, connection: Any) -> bool:
        raise NotImplementedError

    def descriptor(self, connection: Any) -> int | None:
        return int(connection.fileno())

    def number(self, connection: Any) -> int:
        return int(connection.info.backend_pid)

    def end(self, other: Any, number: int, port: int) -> None:
        self.run(other, _END, (number, port))

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        raise NotImplementedError

    def listen(self, connection: Any, channel: str) -> None:
        name = channel.replace('"', '""')
        with connection.cursor() as cursor:
            cursor.execute(f'LISTEN "{name}"')

    def is_notified(self, connection: Any) -> bool:
        raise NotImplementedError

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        numbers = {str(number): value for number, value in enumerate(parameters, 1)}
        return numbered(statement), numbers

    def explain(self, error: Exception) -> DatabaseError:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        diagnosis = getattr(error, "diag", None)
        message = getattr(diagnosis, "message_primary", None) or str(error).strip()
        if not code and isinstance(error, self._unknown):
            return DatabaseError("outcome-unknown", message)
        ends_session = getattr(diagnosis, "severity_nonlocalized", None) in _LAST_WORDS
        return DatabaseError("refused", message, code=code or "", ends_session=ends_session)


#: Types of parameters, and how they are written. NULL is cast by the statement.
_WRITTEN: dict[type, tuple[int, Callable[[Any], bytes | None]]] = {
    type(None): (25, lambda _: None),
    bool: (16, lambda value: b"t" if value else b"f"),
    int: (20, lambda value: b"%d" % value),
    float: (701, lambda value: repr(value).encode()),
    str: (25, str.encode),
}
#: Types of the values that are read, by what reads them in the module.
_READ = {
    "BoolLoader": (16,),
    "IntLoader": (20, 21, 23),
    "FloatLoader": (700, 701),
    "TextLoader": (19, 25, 705, 1042, 1043),
}
_KNOWN = frozenset(number for numbers in _READ.values() for number in numbers)


class _Text(NamedTuple):
    """A statement with the types of its parameters: what a name of ours stands for."""

    statement: bytes
    types: tuple[int, ...]

    @property
    def name(self) -> bytes:
        """The same for whoever prepares this statement, and no other's."""
        types = b",".join(b"%d" % number for number in self.types)
        return b"batchintory_" + sha256(types + b" " + self.statement).hexdigest()[:40].encode()


class _Context:
    """How psycopg 3 reads the types of the boundary, whatever the program has told it of them."""

    connection = None

    def __init__(self) -> None:
        from psycopg.adapt import AdaptersMap
        from psycopg.types import bool as truth
        from psycopg.types import numeric, string

        self.adapters = AdaptersMap()
        for module, name in (
            (truth, "BoolLoader"),
            (numeric, "IntLoader"),
            (numeric, "FloatLoader"),
            (string, "TextLoader"),
        ):
            for number in _READ[name]:
                self.adapters.register_loader(number, getattr(module, name))


#: After so many prepared statements in a row that the server did not know, no more are prepared.
_MOST_UNKNOWN = 4


class Psycopg(_Postgres):
    """By psycopg 3, through the module's interface to libpq: parameters are numbered as they are there, and the
    five types of the boundary need none of what a cursor looks up each time.

    On connections of our own, statements that repeat are prepared, by names that say what they are. Behind a
    pooler in transaction mode any client may have prepared such a name, and it still is this very statement; the
    module's own names, ``_pg3_0`` and so on, are the same in every process, and are not used.
    """

    def __init__(self, statements: int | None = None) -> None:
        """``statements`` is how many a connection keeps prepared at most."""
        import psycopg
        from psycopg import capabilities
        from psycopg.adapt import Transformer
        from psycopg.pq import DiagnosticField, ExecStatus

        super().__init__(psycopg)
        self._transformer, self._context = Transformer, _Context()
        self._tuples, self._done = ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK
        self._empty = ExecStatus.EMPTY_QUERY
        self._code, self._message = DiagnosticField.SQLSTATE, DiagnosticField.MESSAGE_PRIMARY
        self._severity = DiagnosticField.SEVERITY_NONLOCALIZED
        # A name that cannot be closed again, as before libpq 17, would stay.
        can_close = capabilities.has_send_close_prepared()
        self._most = (kept.USUAL if statements is None else statements) if can_close else 0
        self._kept: WeakKeyDictionary[Any, kept.Kept[_Text]] = WeakKeyDictionary()
        self._unknown_in_a_row = 0

    def set_up(self, connection: Any) -> None:
        connection.autocommit = True
        if connection.pgconn.parameter_status(b"client_encoding") != b"UTF8":
            connection.execute("SET client_encoding TO 'UTF8'")
        if self._most:
            self._kept[connection] = kept.Kept(self._most)

    def _answers(self, connection: Any) -> bool:
        try:
            return bool(connection.pgconn.exec_(b"").status == self._empty)
        except self.error:
            return False

    def is_notified(self, connection: Any) -> bool:
        connection.pgconn.consume_input()
        is_told = False
        while connection.pgconn.notifies() is not None:
            is_told = True
        return is_told

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        kinds = [_WRITTEN[type(value)] for value in parameters]
        text = _Text(statement.encode(), tuple(number for number, _ in kinds))
        values = [write(value) for value, (_, write) in zip(parameters, kinds, strict=True)]
        result = self._result(connection, text, values)
        if result.status == self._done:
            return Rows((), result.command_tuples or 0)
        if result.status != self._tuples:
            raise self._refused(result)
        for column in range(result.nfields):
            self._check_type(result, column)
        reader = self._transformer(self._context)
        reader.set_pgresult(result)
        rows = reader.load_rows(0, result.ntuples, tuple)
        writes = not (result.command_status or b"").startswith(b"SELECT")
        return Rows(rows, (result.command_tuples or 0) if writes else 0)

    def _result(self, connection: Any, text: _Text, values: list[bytes | None]) -> Any:
        to_server = connection.pgconn
        ours = self._kept.get(connection) if self._unknown_in_a_row < _MOST_UNKNOWN else None
        turn = kept.Turn[_Text]("unnamed") if ours is None else ours.turn(text)
        if ours is None or turn.sent == "unnamed":
            return to_server.exec_params(text.statement, values, text.types)
        if turn.sent == "prepare":
            if turn.closes is not None:
                to_server.close_prepared(turn.closes.name)
            if (refused := self._prepare(to_server, text)) is not None:
                return refused
            if (oldest := ours.keep(text)) is not None:
                to_server.close_prepared(oldest.name)
        if (result := self._executed(to_server, text, values)) is None:
            # Nothing was executed: the server has forgotten it, or this is another one.
            self._prepare(to_server, text)
            result = self._executed(to_server, text, values)
        if result is None:
            return to_server.exec_params(text.statement, values, text.types)
        return result

    def _prepare(self, to_server: Any, text: _Text) -> Any:
        """Gives what the server says if it refuses. That there is one of this name already is as good."""
        result = to_server.prepare(text.name, text.statement, text.types)
        is_there = result.status == self._done or result.error_field(self._code) == b"42P05"
        return None if is_there else result

    def _executed(self, to_server: Any, text: _Text, values: list[bytes | None]) -> Any:
        """``None`` if the server does not know it."""
        result = to_server.exec_prepared(text.name, values)
        if result.status not in (self._done, self._tuples) and result.error_field(self._code) == b"26000":
            self._unknown_in_a_row += 1
            return None
        self._unknown_in_a_row = 0
        return result

    def _check_type(self, result: Any, column: int) -> None:
        if result.ftype(column) not in _KNOWN:
            name = (result.fname(column) or b"").decode(errors="replace")
            raise unreadable(
                self.dialect,
                f"the column {name!r} has a type that is not known here; cast it to bigint, double precision, "
                "text or boolean",
            )

    def _refused(self, result: Any) -> DatabaseError:
        code = result.error_field(self._code)
        message = result.error_field(self._message) or result.error_message
        text = message.decode(errors="replace").strip()
        if not code:
            return DatabaseError("outcome-unknown", text)
        severity = (result.error_field(self._severity) or b"").decode()
        return DatabaseError("refused", text, code=code.decode(), ends_session=severity in _LAST_WORDS)


class Psycopg2(_Postgres):
    """By psycopg2, which puts parameters into the statement as literals."""

    def __init__(self) -> None:
        import psycopg2

        super().__init__(psycopg2)

    def set_up(self, connection: Any) -> None:
        connection.autocommit = True

    def _answers(self, connection: Any) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except self.error:
            return False
        return True

    def is_notified(self, connection: Any) -> bool:
        connection.poll()
        is_told = bool(connection.notifies)
        connection.notifies.clear()
        return is_told

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(*self.placed(statement, parameters))
            if cursor.description is None:
                return Rows((), max(cursor.rowcount, 0))
            found = read_rows(self.dialect, cursor.fetchall())
            writes = not (cursor.statusmessage or "").startswith("SELECT")
            return Rows(found, cursor.rowcount if writes else 0)
