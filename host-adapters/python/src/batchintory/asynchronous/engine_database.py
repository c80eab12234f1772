"""Databases of an event loop: by an engine of SQLAlchemy, or inside a transaction of the program's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import StaticPool

from batchintory.asynchronous.loop_call import GRACE, this_call
from batchintory.asynchronous.modules import AsyncModule, module_of
from batchintory.driver.session import read_rows
from batchintory.errors import ConnectError, TransactionError
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value


class _LoopDatabase:
    """A database whose statements the event loop runs, while a call's thread waits."""

    def __init__(self, module: AsyncModule, schema: str | None) -> None:
        self._module = module
        self._schema = schema

    @property
    def dialect(self) -> Dialect:
        """See :class:`batchintory.database.Database`."""
        return self._module.dialect

    @property
    def schema(self) -> str | None:
        """See :class:`batchintory.database.Database`."""
        return self._schema

    def query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        """See :class:`batchintory.database.Database`."""
        return cast(Rows, this_call().wait_for(partial(self._query, statement, parameters), GRACE))

    async def _query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        raise NotImplementedError

    def close(self) -> None:
        """It is closed by the loop."""

    async def _run(self, connection: AsyncConnection, statement: str, parameters: Sequence[Value]) -> Rows:
        text, placed = self._module.placed(statement, parameters)
        try:
            result = await connection.exec_driver_sql(text, placed)
            affected = max(result.rowcount, 0)
            if not result.returns_rows:
                return Rows((), affected)
            is_read = statement.startswith(_READS)
            return Rows(read_rows(self.dialect, list(map(tuple, result))), 0 if is_read else affected)
        except DBAPIError as error:
            raise self._module.explain(error.orig or error) from error
        except OSError as error:
            raise self._module.explain(error) from error


#: How statements begin that count what they read, not what they change.
_READS = ("SELECT", "WITH")


class EngineDatabase(_LoopDatabase):
    """Single statements, by connections that an engine makes; those of the program are left alone.

    A statement needs a connection for itself, in autocommit. So the connections are in a pool beside the engine's,
    of the same kind and size: a program that holds all of its own, and waits for a batch to end, waits for nothing
    that it keeps from us. In memory alone SQLite's one connection is the database, and is shared.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        module = module_of(engine)
        super().__init__(module, _schema(engine))
        self._is_shared = isinstance(engine.pool, StaticPool)
        self._engine = (
            engine.execution_options(isolation_level="AUTOCOMMIT") if self._is_shared else _beside(engine)
        )
        #: Held while the one connection is in use.
        self._alone = asyncio.Lock()
        if not self._is_shared:
            event.listen(self._engine.sync_engine.pool, "connect", self._set_up)
            event.listen(self._engine.sync_engine.pool, "checkout", self._check)

    def _set_up(self, connection: Any, record: Any) -> None:
        self._engine.sync_engine.dialect.set_isolation_level(connection, "AUTOCOMMIT")
        cursor = connection.cursor()
        self._module.set_up(cursor)
        cursor.close()

    def _check(self, connection: Any, record: Any, proxy: Any) -> None:
        """The pool makes another one where it is told that one is lost."""
        if not self._module.is_alive(record.driver_connection):
            raise DisconnectionError

    async def _query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        async with self._connection() as connection:
            return await self._run(connection, statement, parameters)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        if self._is_shared:
            async with self._alone, self._engine.connect() as connection:
                yield connection
            return
        connection = self._engine.connect()
        try:
            await connection.start()
        except (DBAPIError, InvalidRequestError, PoolTimeout, OSError) as error:
            told = getattr(error, "orig", None) or error
            raise DatabaseError("unavailable", self._module.explain(told).message) from error
        try:
            yield connection
        finally:
            # Though the call is cancelled, it is given back.
            await asyncio.shield(connection.close())

    async def close_connections(self) -> None:
        """Closes the connections that lie idle."""
        if not self._is_shared:
            await self._engine.dispose()


def _beside(engine: AsyncEngine) -> AsyncEngine:
    """An engine as this one, with connections of its own."""
    sync_engine = engine.sync_engine
    return AsyncEngine(Engine(sync_engine.pool.recreate(), sync_engine.dialect, sync_engine.url))


def _schema(engine: AsyncEngine) -> str | None:
    """In MySQL the connection's database is the schema of names without one."""
    if engine.dialect.name not in ("mysql", "mariadb"):
        return None
    if not engine.url.database:
        raise ConnectError(
            "the URL names no database; write one behind the host, as in mysql+aiomysql://host/lake"
        )
    return engine.url.database


class AsyncTransactionDatabase(_LoopDatabase):
    """Statements inside the program's transaction, which begins here if it has not begun yet."""

    def __init__(self, connection: AsyncConnection, schema: str | None) -> None:
        super().__init__(module_of(connection.engine), schema)
        self._connection = connection
        options = {**connection.engine.get_execution_options(), **_options(connection)}
        if options.get("isolation_level") == "AUTOCOMMIT":
            raise TransactionError(
                "the connection is in autocommit, so nothing would be committed together; "
                "give one with an isolation level other than AUTOCOMMIT"
            )

    async def _query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        return await self._run(self._connection, statement, parameters)


def _options(connection: AsyncConnection) -> dict[str, Any]:
    sync_connection = connection.sync_connection
    return {} if sync_connection is None else dict(sync_connection.get_execution_options())
