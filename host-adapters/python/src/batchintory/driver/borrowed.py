"""A connection that belongs to the program, for single statements or inside its transaction."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from batchintory.driver.session import Session, read_rows
from batchintory.errors import ForkError, TransactionError
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value


class _Borrowed:
    #: No other thread may use it while the program does.
    is_borrowed = True

    def __init__(self, session: Session, connection: Connection, schema: str | None) -> None:
        self._session = session
        self._connection = connection
        self._schema = schema
        self._process = os.getpid()
        self._lock = threading.Lock()

    @property
    def dialect(self) -> Dialect:
        """See :class:`batchintory.database.Database`."""
        return self._session.dialect

    @property
    def schema(self) -> str | None:
        """See :class:`batchintory.database.Database`."""
        return self._schema

    def close(self) -> None:
        """The connection is the program's to close."""

    def after_fork(self) -> None:
        """The lock may have been held by a thread that is not here."""
        self._lock = threading.Lock()

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise ForkError(
                "this connection belongs to the parent process; open the inventory in the forked process, "
                "or give it an engine or a URL instead of a connection"
            )


class BorrowedDatabase(_Borrowed):
    """Single statements on the program's connection, between its transactions."""

    def query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        """See :class:`batchintory.database.Database`."""
        self._check_process()
        with self._lock, self._session.fork_gate:
            connection = self._connection.connection.dbapi_connection
            mode = self._session.mode(connection)
            changes = mode != self._session.autocommit
            if changes and self._connection.in_transaction():
                raise TransactionError(
                    "the connection is inside a transaction, but each step of the inventory must be "
                    "committed by itself; commit or roll back first, or open the inventory on an engine "
                    "(to end a batch inside the transaction: batch.succeed(connection=…))"
                )
            try:
                if changes:
                    self._session.set_mode(connection, self._session.autocommit)
                try:
                    return self._session.run(connection, statement, parameters)
                finally:
                    if changes:
                        self._session.set_mode(connection, mode)
            except self._session.error as error:
                raise self._session.explain(error) from error


class TransactionDatabase(_Borrowed):
    """Statements inside the program's transaction, which begins here if it has not begun yet."""

    def __init__(self, session: Session, connection: Connection, schema: str | None) -> None:
        super().__init__(session, connection, schema)
        if session.mode(connection.connection.dbapi_connection) == session.autocommit:
            raise TransactionError(
                "the connection is in autocommit, so nothing would be committed together; "
                "give one with an isolation level other than AUTOCOMMIT"
            )

    def query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        """See :class:`batchintory.database.Database`."""
        self._check_process()
        with self._session.fork_gate:
            return self._run(statement, parameters)

    def _run(self, statement: str, parameters: Sequence[Value]) -> Rows:
        text, placed = self._session.placed(statement, parameters)
        try:
            result = self._connection.exec_driver_sql(text, placed)
            if result.returns_rows:
                return Rows(read_rows(self.dialect, [tuple(row) for row in result]), 0)
            return Rows((), max(result.rowcount, 0))
        except DBAPIError as error:
            if isinstance(error.orig, self._session.error):
                raise self._session.explain(error.orig) from error
            raise DatabaseError("refused", str(error.orig)) from error
