"""One batch after the other, each ended by the call that claims the next."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import random
from secrets import token_hex
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from batchintory import waiting
from batchintory.arguments import seconds
from batchintory.batch import Batch
from batchintory.ending import WITHOUT_LEASE, pauses
from batchintory.errors import BatchintoryError, Unavailable
from batchintory.follow import Alarm, wait_for_work
from batchintory.records import Nothing

if TYPE_CHECKING:
    from batchintory.inventory import Inventory
    from batchintory.records import AcquireRequest, Outcome

logger = logging.getLogger("batchintory")

#: After so many seconds to twice as many, an end is sent by itself that waits for the next claim.
LONGEST_DELAY = 1.0


#: How batches that have succeeded are ended: by themselves, by the claim of the next, which whoever processes them
#: asks for at once, or by that claim if it is asked for soon.
Ends = Literal["by-themselves", "with-the-next", "watched"]


@dataclass(frozen=True, slots=True)
class Processed:
    """How the batches of :meth:`Inventory.process` ended, and why there was none left.

    :param succeeded: how many have succeeded.
    :param failed: how many have failed.
    :param nothing: why there was no other one.

    >>> done = inventory.process(request, len)
    >>> done.succeeded, done.failed, done.nothing.watermark
    (9, 0, 100)
    """

    succeeded: int
    failed: int
    nothing: Nothing


class Tally:
    """Counts how batches end that are processed one after the other."""

    def __init__(self) -> None:
        self._succeeded = self._failed = 0
        #: The one to be processed now.
        self.batch: Batch | None = None
        #: Whether there is no other one.
        self.is_over = False

    def processed(self, batches: Batches) -> Processed:
        """The sum of it all."""
        assert batches._nothing is not None
        return Processed(self._succeeded, self._failed, batches._nothing)

    def got(self, batch: Batch | None) -> None:
        """The next one has come, by which the one before has ended."""
        self._succeeded += self.batch is not None
        self.batch = batch
        self.is_over = batch is None

    @contextmanager
    def passes_over(self) -> Iterator[None]:
        """Around what processes the batch, or asks for the next one: passes over a batch that has failed. Its
        work may have, or its result can never be kept."""
        try:
            yield
        except Exception:
            # One that did not even end is not ours to pass over.
            if self.batch is None or self.batch.success is not False:
                raise
            self._failed += 1
            self.batch = None


class _Due(NamedTuple):
    """A batch that has succeeded, whose end is to be sent."""

    batch: Batch
    outcome: Outcome
    #: Whether it may be tried again for long.
    waits: bool = True


class Batches(Iterator[Batch]):
    """One batch after the other, each claimed when it is asked for; made by :meth:`Inventory.batches`.

    The end of a batch that has succeeded is sent with the next claim: where one database holds all, both are one
    statement. It is sent by itself when the loop ends, whatever ends it; and a second or two later where no next
    batch is asked for. What its database says of the end is raised where the next batch is asked for, or by
    :meth:`close`; a batch whose result can never be kept has failed then.

    Databases that were reached before are waited for when they are away: as long as a lease lasts, or for five
    minutes where there is none.
    """

    def __init__(
        self,
        inventory: Inventory,
        request: AcquireRequest,
        iterations: int | None,
        poll: float | None,
        ends: Ends = "watched",
    ) -> None:
        self._inventory = inventory
        self._request = request
        self._left = iterations
        self._poll = poll
        self._ends = ends
        self._inventory_is_closed = inventory._is_closed
        self._alarm = Alarm(inventory, request.meta_table)
        self._is_over = False
        #: Whether a claim was answered.
        self._has_reached = False
        #: Why there was no batch when it was asked for one last.
        self._nothing: Nothing | None = None
        self._begin()
        _alive.add(self)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._due: _Due | None = None
        self._error: BatchintoryError | None = None
        #: Of what is noted.
        self._lock = threading.Lock()
        #: Held while an end is sent.
        self._sending = threading.RLock()
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        while not isinstance(found := self.step(), Batch):
            if found is None:
                raise StopIteration
            self._alarm.wait(found, self._inventory_is_closed)
            if self._inventory_is_closed.is_set():
                self.close()
                raise StopIteration
        return found

    def step(self) -> Batch | float | None:
        """The next batch; or for how many seconds to wait before asking again; or ``None``, at the end."""
        acquired = None if self._is_over else self._acquire()
        if isinstance(acquired, Batch):
            return acquired
        if acquired is not None:
            self._nothing = acquired
            if self._poll is not None:
                return float(wait_for_work(self._poll, acquired.due_in_seconds, random()))
        self.close()
        return None

    def _acquire(self) -> Batch | Nothing | None:
        """The next batch, why there is none, or ``None`` if none is wanted. Databases that were reached before
        are waited for when they are away, as long as a lease lasts."""
        latest = monotonic() + _patience(self._request)
        # The answer to a claim may be lost again and again: under one token they are all one claim.
        token: str | None = None
        growing = pauses()
        while True:
            acquired = self._end_and_acquire(token)
            if not isinstance(acquired, BatchintoryError):
                self._has_reached = True
                return acquired
            pause = next(growing)
            is_patient = self._has_reached and monotonic() + pause < latest
            if not (is_patient and isinstance(acquired, Unavailable)):
                raise acquired
            logger.warning("no batch can be claimed now, which is tried again in %.1f s: %s", pause, acquired)
            is_closed = waiting.of_this_thread().until(self._inventory_is_closed, pause)
            if is_closed or self._is_over:
                raise acquired
            token = token or token_hex(16)

    def _end_and_acquire(self, token: str | None) -> Batch | Nothing | BatchintoryError | None:
        """Ends what is to be ended, and claims the next if it is wanted; gives the error of the claim."""
        with self._sending_alone():
            due = self._taken()
            if self._left == 0:
                if due is not None:
                    self._end(due)
                return None
            following = None if due is None else self._end(due, self._request)
            acquired = following
            if acquired is None:
                try:
                    acquired = self._inventory.acquire(self._request, token)
                except BatchintoryError as error:
                    return error
            if isinstance(acquired, Batch):
                if self._left is not None:
                    self._left -= 1
                # The last one has no claim to wait for.
                if self._left != 0 and self._ends != "by-themselves":
                    acquired._loop = weakref.ref(self)
            return acquired

    def _end(self, due: _Due, request: AcquireRequest | None = None) -> Batch | Nothing | BatchintoryError | None:
        try:
            return due.batch._end_noted(due.outcome, request, waits=due.waits)
        except Exception:
            raise
        except BaseException:
            # Interrupted: it may or may not have got through, and there is no time to wait.
            with self._lock:
                self._due = due._replace(waits=False)
            raise

    def process(self, work: Callable[[list[str | None]], Any]) -> Processed:
        """Calls ``work`` with the items of each batch, see :meth:`Inventory.process`."""
        tally = Tally()
        while not tally.is_over:
            with tally.passes_over():
                tally.got(next(self, None))
            if (batch := tally.batch) is not None:
                with tally.passes_over():
                    batch.process(work)
        return tally.processed(self)

    def close(self) -> None:
        """Ends the loop, and the batch that is to be ended still."""
        self._is_over = True
        self._alarm.close()
        with self._sending_alone():
            self._closed.set()
            due = self._taken()
            if due is not None:
                self._end(due)

    def abandon(self) -> None:
        """Nobody is to send what is to be ended still."""
        with self._lock:
            self._due = None

    def __enter__(self) -> Batches:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self._close_unheard()
        except AttributeError:
            pass  # It was not even made.

    def _close_unheard(self) -> None:
        """Closes the loop where nobody is there to be told."""
        try:
            self.close()
        except BatchintoryError as error:
            logger.error("the last batch of a loop has not ended as it was to: %s", error)

    def note(self, batch: Batch, outcome: Outcome) -> bool:
        """Takes an end to be sent with the next claim. ``False``: it is to be sent by itself."""
        # The program may begin a transaction on a connection of its own.
        if os.getpid() != self._process or self._inventory._is_borrowed:
            return False
        with self._lock:
            if self._is_over or self._due is not None:
                return False
            if self._ends == "watched" and self._watcher is None and not self._watch():
                return False
            self._due = _Due(batch, outcome)
        return True

    def _watch(self) -> bool:
        """Starts a thread that sends ends which nobody else sends."""
        arguments = (weakref.ref(self), self._closed)
        watcher = threading.Thread(target=_watch, args=arguments, name="batchintory-ends", daemon=True)
        try:
            watcher.start()
        except RuntimeError:
            return False  # The process ends, or has no thread left.
        self._watcher = watcher
        return True

    def _taken(self) -> _Due | None:
        """What is to be ended. Raises what another thread was told of an end."""
        with self._lock:
            due, self._due = self._due, None
            error, self._error = self._error, None
        if error is not None:
            raise error
        return due

    def _sending_alone(self) -> threading.RLock:
        if os.getpid() != self._process:
            # What was noted before a fork is the parent's to end.
            self._begin()
        return self._sending

    def _end_late(self, due: _Due) -> None:
        """Ends what nobody has sent for a while, in another thread."""
        with self._sending:
            with self._lock:
                if self._due is not due:
                    return
                self._due = None
            try:
                self._end(due)
            except BatchintoryError as error:
                logger.warning("%r has not ended as it was to: %s", due.batch, error)
                self._error = error


def _patience(request: AcquireRequest) -> int:
    """For how many seconds a database that is away is waited for."""
    return WITHOUT_LEASE if request.lease_seconds is None else seconds(request.lease_seconds)


def _watch(reference: weakref.ref[Batches], closed: threading.Event) -> None:
    before: _Due | None = None
    while not closed.wait(LONGEST_DELAY):
        loop = reference()
        if loop is None:
            return
        due = loop._due
        if due is not None and due is before:
            loop._end_late(due)
        before = due
        del loop, due


_alive: weakref.WeakSet[Batches] = weakref.WeakSet()


def _end_all() -> None:
    """Ends what is to be ended still, when the process ends."""
    for loop in list(_alive):
        if loop._due is not None:
            loop._close_unheard()


atexit.register(_end_all)
