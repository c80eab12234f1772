"""A connection that listens to a channel."""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import Any, Protocol

from batchintory.driver.news import waits

#: After so many seconds is looked whether the wait is to end.
_LOOK = 0.25


class ListeningSession(Protocol):
    """How to listen through the connections of a database module."""

    @property
    def error(self) -> type[Exception]:
        """What all errors of the module have in common."""

    def listen(self, connection: Any, channel: str) -> None:
        """Listens to a channel from now on."""

    def descriptor(self, connection: Any) -> int | None:
        """The connection's socket's."""

    def is_notified(self, connection: Any) -> bool:
        """Whether a channel was notified, by what has come since it was last asked."""


class Listener:
    """A connection of its own that listens to a channel. What is told meanwhile is heard at the next wait."""

    def __init__(self, session: ListeningSession, connection: Any) -> None:
        self._session = session
        self._connection = connection

    def wait(self, seconds: float, stopped: Event) -> bool:
        """Waits for so many seconds, until something is told, or until it is stopped. ``False``: the connection is
        lost."""
        end = monotonic() + seconds
        while not stopped.is_set() and (left := end - monotonic()) > 0:
            try:
                descriptor = self._session.descriptor(self._connection)
                if descriptor is None:
                    return False
                if waits(descriptor, min(left, _LOOK)) and self._session.is_notified(self._connection):
                    return True
            except (self._session.error, OSError, ValueError):
                self.close()
                return False
        return True

    def close(self) -> None:
        """Listens no longer."""
        try:
            self._connection.close()
        except Exception:
            pass  # It is lost already.
