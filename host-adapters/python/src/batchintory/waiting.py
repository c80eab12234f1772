"""How this package waits: where a call serves an event loop, the loop is what its thread waits in."""

from __future__ import annotations

import threading
import time
from typing import Protocol, cast


class Ticket(Protocol):
    """A place in a queue."""

    def wait(self) -> None:
        """Waits until it is released."""

    def release(self) -> None:
        """Its turn has come. Once only."""


class Waits(Protocol):
    """What a thread waits by. Each wait may be cut short by an exception."""

    def sleep(self, seconds: float) -> None:
        """Waits for so long."""

    def until(self, event: threading.Event, seconds: float) -> bool:
        """Waits for an event, for so long at most; whether it has come."""

    def ticket(self) -> Ticket:
        """A place in a queue for this thread."""


class LockTicket:
    """A place for a thread that waits by itself."""

    def __init__(self) -> None:
        # An event is Python code with a lock, which an interrupt at the wrong moment would leave closed.
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        """See :class:`Ticket`."""
        self._lock.acquire()

    def release(self) -> None:
        """See :class:`Ticket`."""
        self._lock.release()


class OfThread:
    """A thread waits by itself, unless said otherwise."""

    @staticmethod
    def sleep(seconds: float) -> None:
        """See :class:`Waits`."""
        time.sleep(seconds)

    @staticmethod
    def until(event: threading.Event, seconds: float) -> bool:
        """See :class:`Waits`."""
        return event.wait(seconds)

    @staticmethod
    def ticket() -> Ticket:
        """See :class:`Waits`."""
        return LockTicket()


_BY_ITSELF = OfThread()
_threads = threading.local()


def of_this_thread() -> Waits:
    """What this thread waits by."""
    return cast(Waits, getattr(_threads, "waits", _BY_ITSELF))


def wait_by(waits: Waits) -> None:
    """Lets this thread wait by this from now on."""
    _threads.waits = waits
