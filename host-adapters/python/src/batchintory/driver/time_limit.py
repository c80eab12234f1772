"""How long a server may take to answer: what takes longer is cut off, whatever the driver waits in."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from time import monotonic

from batchintory.statements import DatabaseError


@dataclass(eq=False, slots=True)
class Statement:
    """A statement that is under way."""

    descriptor: int
    deadline: float
    limit: float
    #: Called before it is cut off, as long as its connection still tells who it is.
    before: Callable[[], None]
    is_cut: bool = False

    def error(self) -> DatabaseError:
        """What is said of one that was cut off."""
        return DatabaseError(
            "outcome-unknown",
            f"no answer within {self.limit * 1000:.0f} ms; where statements may take longer, say so by "
            "statement_timeout in the URL",
        )


class Watchdog:
    """Looks after all statements of this process, in a thread of its own that mostly sleeps."""

    def __init__(self) -> None:
        self._under_way: dict[int, Statement] = {}
        # A descriptor must not be closed, and be another's, while its connection is cut.
        self._lock = threading.Lock()
        self._called = threading.Event()
        self._wakes = inf
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(
        self, descriptor: int, limit: float, before: Callable[[], None] = lambda: None
    ) -> Iterator[Statement]:
        """Cuts the connection with this descriptor when the block takes longer than so many seconds."""
        statement = Statement(descriptor, monotonic() + limit, limit, before)
        with self._lock:
            self._under_way[id(statement)] = statement
            is_next = statement.deadline < self._wakes
        try:
            if is_next:
                self._wake()
            yield statement
        finally:
            with self._lock:
                self._under_way.pop(id(statement), None)

    def _wake(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look, name="batchintory-time-limit", daemon=True)
                    self._thread.start()
        self._called.set()

    def _look(self) -> None:
        while True:
            self._called.clear()
            with self._lock:
                now = monotonic()
                under_way = list(self._under_way.values())
                for statement in under_way:
                    if statement.deadline <= now and not statement.is_cut:
                        statement.is_cut = True
                        statement.before()
                        _cut(statement.descriptor)
                self._wakes = min((other.deadline for other in under_way if not other.is_cut), default=inf)
            # One that has come since has called, or ends later.
            self._called.wait(None if self._wakes == inf else max(self._wakes - now, 0.0))


def port(descriptor: int) -> int:
    """The port at this end of a connection; -1 where it has none."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        name = connection.getsockname()
    return int(name[1]) if isinstance(name, tuple) else -1


def _cut(descriptor: int) -> None:
    """Ends a connection at both ends; its descriptor stays its driver's."""
    try:
        # Whatever its family: it is only ended.
        with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # It has ended already.


#: That of this process.
watchdog = Watchdog()


def _after_fork() -> None:
    global watchdog
    watchdog = Watchdog()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
