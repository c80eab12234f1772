"""What a driver knows of its database module."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any, Protocol

from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value


class Session(Protocol):
    """How to talk through the connections of one database module (DBAPI)."""

    @property
    def dialect(self) -> Dialect:
        """The SQL that it understands."""

    @property
    def error(self) -> type[Exception]:
        """What all errors of the module have in common."""

    @property
    def fork_gate(self) -> AbstractContextManager[None]:
        """What the module must not be forked in: it has locks of its own, which would stay locked."""

    def set_up(self, connection: Any) -> None:
        """Makes a connection of our own ready: in autocommit, and with what the planner needs."""

    @property
    def no_writes(self) -> frozenset[str]:
        """The codes of a server that takes no writes: another one may take them by now."""

    @property
    def autocommit(self) -> Any:
        """The mode in which each statement is a transaction of its own."""

    def mode(self, connection: Any) -> Any:
        """The mode that a connection is in."""

    def set_mode(self, connection: Any, mode: Any) -> None:
        """Changes that; there must be no transaction under way."""

    def is_alive(self, connection: Any, idle_seconds: float) -> bool:
        """Whether a connection that lay idle for so long can be used."""

    def descriptor(self, connection: Any) -> int | None:
        """Its socket's; ``None`` where there is none, or the module does not tell."""

    def number(self, connection: Any) -> int:
        """The number that the server has told for this session."""

    def end(self, other: Any, number: int, port: int) -> None:
        """By another session, ends the one of this number with what it runs, if its client has this port, or -1
        for none: behind a pooler the number is none of the server's, and may be somebody else's."""

    def run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        """Runs a statement; errors are the module's, or a :class:`DatabaseError`."""

    def placed(self, statement: str, parameters: Sequence[Value]) -> tuple[str, Any]:
        """A statement with its parameters as SQLAlchemy's ``exec_driver_sql`` takes them."""

    def explain(self, error: Exception) -> DatabaseError:
        """An error of the module as one of the boundary."""


#: What databases say of a value of a type that is none of theirs.
_MISMATCH: dict[Dialect, str] = {"postgresql": "42804", "sqlite": "20", "mysql": "1366"}


def unreadable(dialect: Dialect, message: str) -> DatabaseError:
    """A selected value that is none of the boundary's."""
    return DatabaseError("refused", message, code=_MISMATCH[dialect])


def read_rows(dialect: Dialect, found: Sequence[Sequence[Any]]) -> Sequence[Sequence[Value]]:
    """Rows with values of the boundary only; bytes count as text if they are."""
    if _PLAIN.issuperset(map(type, chain.from_iterable(found))):
        return found
    return [[_read(dialect, value) for value in row] for row in found]


_PLAIN = frozenset({type(None), bool, int, float, str})


def _read(dialect: Dialect, value: Any) -> Value:
    if type(value) in _PLAIN:
        return value  # type: ignore[no-any-return]
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise unreadable(dialect, "a value is neither a number nor UTF-8 text") from None
    raise unreadable(
        dialect, f"a value of type {type(value).__name__}; cast it to an integer, a double, text or boolean"
    )
