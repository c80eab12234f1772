"""Waiting for work."""

from __future__ import annotations

import os
from threading import Event
from typing import TYPE_CHECKING

from batchintory.errors import BatchintoryError
from batchintory.statements import DatabaseError

if TYPE_CHECKING:
    from batchintory.driver.listener import Listener
    from batchintory.inventory import Inventory

#: The shortest wait in seconds, whatever is asked for: whoever comes back at once does nothing but ask.
SHORTEST = 0.1


def wait_for_work(poll: float, due_in_seconds: int | None, chance: float) -> float:
    """For how many seconds a worker that was told `Nothing` waits before it asks again.

    By chance, a number from 0 to 1, something between half of ``poll`` and all of it, so that workers which were
    started together do not ask together for ever; no longer than until the next range is due. The cases in
    ``tests/follow.json`` hold for all languages.
    """
    by_chance = poll * (0.5 + 0.5 * chance)
    if due_in_seconds is not None:
        by_chance = min(by_chance, due_in_seconds)
    return max(by_chance, SHORTEST)


class Alarm:
    """What wakes a worker that follows a job: the clock and, where its meta table notifies a channel, new rows."""

    def __init__(self, inventory: Inventory, meta_table: str) -> None:
        self._inventory = inventory
        self._meta_table = meta_table
        self._process = os.getpid()
        self._listener: Listener | None = None
        #: Listeners of a parent process: neither used nor closed in this one.
        self._abandoned: list[Listener | None] = []
        self._channel: str | None = None
        self._is_asked = False

    def wait(self, seconds: float, stopped: Event) -> None:
        """Waits until it is worth asking again: for so many seconds at most, or until it is stopped."""
        if self._process != os.getpid():
            self._abandoned.append(self._listener)
            self._process, self._listener = os.getpid(), None
        if self._listener is None:
            if self._listens():
                # Rows may have come before.
                return
            stopped.wait(seconds)
        elif not self._listener.wait(seconds, stopped):
            self._listener = None

    def _listens(self) -> bool:
        """Begins to listen, where that is possible."""
        database = self._inventory._both[1]
        if not hasattr(database, "listen"):
            return False
        try:
            if not self._is_asked:
                channel = self._inventory.notifications(self._meta_table)
                self._channel = None if channel is None else channel.name
                self._is_asked = True
            if self._channel is not None:
                self._listener = database.listen(self._channel)
        except (BatchintoryError, DatabaseError):
            return False  # The clock wakes too.
        return self._listener is not None

    def close(self) -> None:
        """Listens no longer."""
        listener, self._listener = self._listener, None
        if listener is not None and self._process == os.getpid():
            listener.close()
