"""A database with a pool of connections of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, cast

from batchintory.driver import time_limit
from batchintory.driver.listener import Listener, ListeningSession
from batchintory.driver.session import Session
from batchintory.fork_gate import gate
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value

#: The most connections at once, unless said otherwise.
POOL_SIZE = 16

#: Connections of a parent process: neither used nor closed in this one.
_abandoned: list[Any] = []


class PooledDatabase:
    """A database with a pool of connections, each for one statement at a time, in autocommit."""

    def __init__(
        self,
        session: Session,
        connect: Callable[[], Any],
        *,
        schema: str | None = None,
        size: int = POOL_SIZE,
        limit: float | None = None,
        after_fork: Callable[[], None] = lambda: None,
    ) -> None:
        """``limit`` is how many seconds a statement may take."""
        self._session = session
        self._connect = connect
        self._schema = schema
        self._size = size
        self._limit = limit
        self._reset_connector = after_fork
        self._free = _permits(size)
        self._idle: list[tuple[Any, float]] = []
        self._checks_idle = session.dialect == "mysql"

    @property
    def dialect(self) -> Dialect:
        """See :class:`batchintory.database.Database`."""
        return self._session.dialect

    @property
    def schema(self) -> str | None:
        """See :class:`batchintory.database.Database`."""
        return self._schema

    def query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        """See :class:`batchintory.database.Database`."""
        with self._permit():
            connection = self._take()
            with self._session.fork_gate:
                return self._run(connection, statement, parameters)

    @contextmanager
    def _permit(self) -> Iterator[None]:
        """Waits until there may be another connection in use."""
        free = self._free
        free.get()
        try:
            yield
        finally:
            free.put(None)

    def _run(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        try:
            rows = self._in_time(connection, statement, parameters)
        except (self._session.error, DatabaseError) as error:
            explained = error if isinstance(error, DatabaseError) else self._session.explain(error)
            is_last = explained.kind != "refused" or explained.ends_session
            if is_last or explained.code in self._session.no_writes:
                # Those that lie idle were probably lost with it, or lead to the server that takes no writes.
                _close(connection)
                self._close_idle()
            else:
                self._put_back(connection)
            if explained is error:
                raise
            raise explained from error
        except BaseException:
            # Interrupted: it is not known what the connection is about to say.
            _close(connection)
            raise
        self._put_back(connection)
        return rows

    def _in_time(self, connection: Any, statement: str, parameters: Sequence[Value]) -> Rows:
        descriptor = None if self._limit is None else self._session.descriptor(connection)
        if self._limit is None or descriptor is None:
            return self._session.run(connection, statement, parameters)
        before = partial(self._give_up, connection, descriptor)
        with time_limit.watchdog.watch(descriptor, self._limit, before) as watched:
            try:
                return self._session.run(connection, statement, parameters)
            except (self._session.error, DatabaseError, OSError) as error:
                if watched.is_cut:
                    raise watched.error() from error
                raise

    def _give_up(self, connection: Any, descriptor: int) -> None:
        """Has what a connection runs ended in the database, which would work on for nobody."""
        try:
            session = self._session.number(connection), time_limit.port(descriptor)
        except (self._session.error, OSError):
            return  # It has ended by itself.
        # The server may be out of reach, which nobody is to wait for.
        threading.Thread(target=self._end, args=session, name="batchintory-ending", daemon=True).start()

    def _end(self, number: int, port: int) -> None:
        try:
            with gate:
                connection = self._open()
        except DatabaseError:
            return
        try:
            self._session.end(connection, number, port)
        except (self._session.error, DatabaseError):
            pass  # Nobody can do more.
        finally:
            _close(connection)

    def _take(self) -> Any:
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                # Whatever the driver: OpenSSL has locks that each new connection takes.
                with gate:
                    return self._open()
            with self._session.fork_gate:
                idle_seconds = time.monotonic() - since if self._checks_idle else 0.0
                if self._session.is_alive(connection, idle_seconds):
                    return connection
                _close(connection)

    def _put_back(self, connection: Any) -> None:
        self._idle.append((connection, time.monotonic() if self._checks_idle else 0.0))

    def _open(self) -> Any:
        try:
            connection = self._connect()
            self._session.set_up(connection)
        except self._session.error as error:
            raise DatabaseError("unavailable", self._session.explain(error).message) from error
        return connection

    def open_first(self) -> None:
        """Connects once, to tell early what is wrong."""
        with self._permit():
            self._put_back(self._take())

    def listen(self, channel: str) -> Listener | None:
        """Listens to a channel, by a connection that is none of the pool's; ``None`` where the database has no
        such thing."""
        if self.dialect != "postgresql":
            return None
        session = cast(ListeningSession, self._session)
        with gate:
            connection = self._open()
        try:
            session.listen(connection, channel)
        except session.error as error:
            _close(connection)
            raise self._session.explain(error) from error
        return Listener(session, connection)

    def close(self) -> None:
        """Closes the connections that lie idle."""
        with self._session.fork_gate:
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            connection, _ = self._idle.pop()
            _close(connection)

    def after_fork(self) -> None:
        """Starts anew in a forked process: connections of the parent stay the parent's."""
        _abandoned.append(self._idle)
        self._idle = []
        self._free = _permits(self._size)
        self._reset_connector()


def _permits(size: int) -> SimpleQueue[None]:
    """One for each connection. Unlike a semaphore's, its lock is not Python code, in which an interrupt at the
    wrong moment would leave it closed."""
    permits: SimpleQueue[None] = SimpleQueue()
    for _ in range(size):
        permits.put(None)
    return permits


def _close(connection: Any) -> None:
    try:
        connection.close()
    except Exception:
        pass  # It is lost already.
