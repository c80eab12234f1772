"""Workers of one process queue up for the claims of a job, instead of racing each other for them.

Of several claims that saw the same watermark only one succeeds, so those of one process would only take the
database's time from each other. Between processes the chain decides.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class ClaimQueues:
    """A queue for each job that is being claimed from, first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[tuple[str, str], deque[threading.Lock]] = {}

    @contextmanager
    def turn(self, meta_table: str, job: str) -> Iterator[None]:
        """Waits for the turn among the claims of the job; the next one's comes at its end."""
        key = (meta_table, job)
        # An event is Python code with a lock, which an interrupt at the wrong moment would leave closed.
        ticket = threading.Lock()
        ticket.acquire()
        try:
            with self._lock:
                queue = self._queues.setdefault(key, deque())
                queue.append(ticket)
                first = queue[0] is ticket
            if not first:
                ticket.acquire()
            yield
        finally:
            self._leave(key, ticket)

    def _leave(self, key: tuple[str, str], ticket: threading.Lock) -> None:
        with self._lock:
            queue = self._queues.get(key)
            if queue is None or ticket not in queue:
                return  # Interrupted before it had lined up.
            was_first = queue[0] is ticket
            queue.remove(ticket)
            if not queue:
                del self._queues[key]
            elif was_first:
                queue[0].release()
