"""Workers of one process queue up for the claims in a scope, instead of racing each other for them.

Of several claims that saw the same watermark only one succeeds, so those of one process would only take the
database's time from each other. Between processes the chain decides.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from batchintory import waiting
from batchintory.waiting import Ticket


class ClaimQueues:
    """A queue for each scope in which is being claimed, first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Ticket]] = {}

    @contextmanager
    def call(self) -> Iterator[ClaimTurn]:
        """A call that may ask for its turn, which is over at its end; then the next one's comes."""
        turn = ClaimTurn(self)
        try:
            yield turn
        finally:
            turn.end()

    def _line_up(self, scope: str, ticket: Ticket) -> bool:
        """Whether nobody is before it."""
        with self._lock:
            queue = self._queues.setdefault(scope, deque())
            queue.append(ticket)
            return queue[0] is ticket

    def _leave(self, scope: str, ticket: Ticket) -> None:
        with self._lock:
            queue = self._queues.get(scope)
            if queue is None or ticket not in queue:
                return  # Interrupted before it had lined up.
            was_first = queue[0] is ticket
            queue.remove(ticket)
            if not queue:
                del self._queues[scope]
            elif was_first:
                queue[0].release()


class ClaimTurn:
    """The turn of one call."""

    def __init__(self, queues: ClaimQueues) -> None:
        self._queues = queues
        self._place: tuple[str, Ticket] | None = None
        #: When it came, or else when the call began.
        self.since = monotonic()

    def wait(self, scope: str) -> None:
        """Waits for the turn among the claims in the scope."""
        # Whoever has one turn must not wait for another.
        self.end()
        ticket = waiting.of_this_thread().ticket()
        self._place = (scope, ticket)
        if not self._queues._line_up(scope, ticket):
            ticket.wait()
        self.since = monotonic()

    def end(self) -> None:
        """The next one's turn comes."""
        if self._place is not None:
            self._queues._leave(*self._place)
            self._place = None
