"""A batch in the hands of its owner."""

from __future__ import annotations

import logging as log
import os
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from batchintory.arguments import check_work
from batchintory.batch_facts import BatchFacts
from batchintory.ending import end, end_and_acquire
from batchintory.errors import BatchintoryError, BatchReleased, InvalidRequest, ResultError
from batchintory.heartbeat import Heartbeat
from batchintory.item_reader import LONGEST_PAGE, ItemReader, Row, as_item
from batchintory.life_signs import LifeSigns
from batchintory.reason import reason, text_of
from batchintory.records import BatchRecord, Item, Outcome
from batchintory.result import as_document
from batchintory.table import Table

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from batchintory.batches import Batches
    from batchintory.inventory import Inventory
    from batchintory.lease import Lease
    from batchintory.records import AcquireRequest, Nothing
else:
    # Whoever has one has imported SQLAlchemy, which takes a while; hints are read without it.
    Connection = Any

logger = log.getLogger("batchintory")

P = ParamSpec("P")
R = TypeVar("R")

#: How many items are asked for at once.
PAGE = 5_000


#: How many seconds of a lease that nobody prolongs are left at least where an end may come later.
_LEAST_LEASE = 10.0

#: The log of a batch that had nothing to process.
NO_ITEMS = "no items: the rows of this range are gone"


class Batch(BatchFacts):
    """A batch in the hands of its owner.

    It ends by :meth:`succeed`, :meth:`fail`, :meth:`release` or :meth:`process`, or with a ``with`` block. One
    that is forgotten stays ``running`` in the inventory, until its lease is over if it has one; a
    ``ResourceWarning`` says so.

    >>> with inventory.acquire(request) as batch:
    ...     print(batch.items[:2], batch.id_range, batch.attempt)
    ['file-11', 'file-12'] IdRange(id_min=11, id_max=20, count=10, weight=100.0) 1

    It may be pickled, as for :mod:`multiprocessing`, and is then for whoever gets it to end. It asks its database
    whether it still runs before it is worked on there.
    """

    #: How long its lease goes on from each sign of life; ``None`` where it has none.
    lease_seconds: int | None
    #: Its first items, which came with the claim: at most a thousand, of less than a MiB together, or none.
    first_items: list[Item]
    #: Whether it succeeded or failed; ``None`` while it runs.
    success: bool | None

    def __init__(
        self, inventory: Inventory, record: BatchRecord, lease: Lease | None, first_items: list[Item] | None = None
    ) -> None:
        super().__init__(record)
        self.success = None
        self._inventory = inventory
        self._lease = lease
        self.lease_seconds = None if lease is None else lease.seconds
        self.first_items = first_items or []
        #: The loop that may send its end with the next claim, and whether it is to do so.
        self._loop: weakref.ref[Batches] | None = None
        self._is_noted = False
        self._rows: list[Row] | None = None
        self._records: Table[Item] | None = None
        self._heartbeat: LifeSigns | None = None
        self._transaction: Connection | None = None
        #: Whether it came from another process, and nobody has asked yet whether it runs.
        self._has_arrived = False
        self._process = os.getpid()
        #: Whether this process is to end it.
        self._is_held = True
        inventory._held[record.claim_token] = self

    def __reduce__(self) -> tuple[Any, ...]:
        self._inventory._opening.check_that_it_can_be_sent()
        self._is_held = False
        return _arrive, (self._inventory, self.record, self.lease_seconds, self.first_items, self.success)

    def __bool__(self) -> Literal[True]:
        return True

    def __del__(self, getpid: Callable[[], int] = os.getpid) -> None:
        # One that could not even be made has no attributes.
        is_held = getattr(self, "_is_held", False) and self.success is None
        if is_held and self._process == getpid() and not sys.is_finalizing():
            warnings.warn(
                f"{self!r} was forgotten; let it succeed or fail, or `hand_over` its claim token",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def hand_over(self) -> str:
        """Gives its claim token, for whoever goes on with it by :meth:`Inventory.batch`: it is no more for this
        process to end, which prolongs its lease no longer.

        >>> token = batch.hand_over()
        >>> inventory.batch(token).succeed()
        """
        self._is_held = False
        self._stop_heartbeat()
        return self.claim_token

    def __repr__(self) -> str:
        return f"<Batch {self._told(self.success)}>"

    # The items.

    @property
    def items(self) -> list[str | None]:
        """What to process: the item column of all items as text, in the order of their ids."""
        return [row[1] for row in self._all_rows()]

    @property
    def records(self) -> Table[Item]:
        """All items with their ids and weights, which notebooks show as a table. They are read once; for very many
        see :meth:`pages`.

        >>> batch.records[0]
        Item(uid=1, item='file-1', weight=10.0)
        """
        if self._records is None:
            self._records = Table(map(as_item, self._all_rows()))
        return self._records

    def pages(self, size: int = PAGE) -> Iterator[Table[Item]]:
        """All items, page by page: where they have more than 2 KiB each, about a MiB of them. The first ones came
        with the claim.

        :param size: the most in each, 1 to 10,000.

        >>> [len(page) for page in batch.pages(4)]
        [4, 4, 2]
        """
        return (Table(map(as_item, page)) for page in self._pages(size))

    def _all_rows(self) -> list[Row]:
        if self._rows is None:
            self._rows = list(chain.from_iterable(self._pages(LONGEST_PAGE)))
        return self._rows

    def _pages(self, size: int) -> Iterator[Sequence[Row]]:
        last: int | None = None
        for start in range(0, len(self.first_items), max(size, 1)):
            page: Sequence[Row] = self.first_items[start : start + size]
            yield page
            last = page[-1][0]
        reader = ItemReader(self._inventory, self.claim_token)
        while last != self.id_range.id_max:
            page = reader.read(last, size)
            if not page:
                return
            yield page
            last = page[-1][0]

    # The end.

    def succeed(self, result: Any = None, *, log: str | None = None, connection: Connection | None = None) -> None:
        """All items are processed.

        An end that the database does not take is tried again while the lease holds, or for five minutes without
        one; then the last error is raised, or :class:`~batchintory.errors.LeaseOver` where the lease is over.

        A batch of :meth:`Inventory.batches` is ended by the call that claims the next one, which raises what its
        database says of it; see :class:`~batchintory.batches.Batches`.

        :param result: kept as JSON, to the letter: decimals may be among its numbers, and numbers that a float
            does not hold come back as decimals. Points in time, paths, UUIDs, data classes, sets and what NumPy
            has take the form that JSON has for them; what has none is kept as its ``repr``, with a warning.
        :param log: kept as the batch's log.
        :param connection: one of SQLAlchemy: then the batch ends inside its transaction, and what else is written
            there and the end of the batch are committed together, or neither. When the batch was taken from its
            owner meanwhile, :class:`~batchintory.errors.Superseded` is raised: let it roll the transaction back.

        >>> batch.succeed({"lines": 7, "at": date(2026, 5, 17)})
        >>> inventory.history()[0].result_item
        {'lines': 7, 'at': '2026-05-17'}
        """
        self._end(True, result, log, connection)

    def fail(
        self,
        error: BaseException | str | None = None,
        *,
        result: Any = None,
        connection: Connection | None = None,
    ) -> None:
        """The batch is given up; it is handed out again as its request allows.

        :param error: for this reason. Of an exception its type, what it says and the end of its traceback are
            kept.
        :param result: kept as in :meth:`succeed`.
        :param connection: as in :meth:`succeed`.

        >>> batch.fail("the disk is full")
        >>> inventory.history()[0].log
        'the disk is full'
        """
        self._end(False, result, None if error is None else reason(error), connection)

    def process(
        self, work: Callable[Concatenate[list[str | None], P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Processes the items, and lets the batch succeed with what comes of it, or fail with what is raised,
        which is logged with its traceback; hands either on. Without items, since the range's rows are gone, it
        succeeds, and ``work`` is not called. Meanwhile the lease is prolonged.

        :param work: called as ``work(items, *args, **kwargs)``. An ``async def`` is refused.
        :param args: handed on to it.
        :param kwargs: handed on to it.

        >>> batch.process(lambda items, suffix: items[0] + suffix, ".csv")
        'file-1.csv'
        """
        check_work(work)
        with self:
            if not self.items:
                self.succeed(log=NO_ITEMS)
                return None
            items = self.items
            try:
                result = work(items, *args, **kwargs)
            except Exception as error:
                self._tell_failure(error)
                raise
            self.succeed(result)
        return result

    def _tell_failure(self, error: Exception) -> None:
        logger.error("%r failed: %s", self, text_of(error), exc_info=error)

    def __enter__(self) -> Batch:
        self.keep_alive()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self._fail_after(error)
            elif self.success is None:
                self.succeed()
        finally:
            self._stop_heartbeat()

    def keep_alive(self) -> LifeSigns:
        """Prolongs the batch's lease in the background until the batch ends; ``with`` and :meth:`process` do so.
        Without a lease there is nothing to do.

        A batch that came from another process, or whose lease is over, is first asked for at its database, which
        may say that it is not its owner's any more.

        >>> with inventory.acquire(request) as batch:
        ...     heartbeat = batch.keep_alive()
        >>> heartbeat.is_lost
        False
        """
        if self._heartbeat is None:
            self._take_up()
            self._heartbeat = Heartbeat(self._inventory, self.claim_token, self._lease)
        return self._heartbeat

    def _take_up(self) -> None:
        """Makes sure that it is still its owner's, where that may have changed meanwhile."""
        if self._has_arrived and self.success is None:
            _, self._lease = self._inventory._find(self.claim_token)
            self._has_arrived = False
        lease = self._lease
        if lease is not None and lease.left <= 0 and self.success is None:
            # Nobody has taken it yet, or this tells.
            sent = monotonic()
            self._inventory.heartbeat(self.claim_token, lease.seconds)
            lease.prolong(sent)

    @property
    def is_lost(self) -> bool:
        """Whether the batch is not its owner's any more, as a heartbeat has told, or may not be: its lease is over
        since no sign of life got through. Work on it is in vain."""
        return self._heartbeat is not None and self._heartbeat.is_lost

    def when_lost(self, told: Callable[[BatchintoryError], None]) -> None:
        """Calls back, from another thread, once :attr:`is_lost`: let it stop the work. Somebody else may have the
        same items then. Prolongs the lease as :meth:`keep_alive` does.

        :param told: called with the reason.

        >>> batch.when_lost(lambda reason: print("stop:", reason))
        """
        self.keep_alive().when_lost(told)

    def _fail_after(self, error: BaseException) -> None:
        if self.success is not None and self._transaction is None:
            return
        if self._transaction is not None and self._transaction.in_transaction():
            # It holds the batch's row, which cannot be changed from outside. Rolled back, the batch runs on.
            logger.warning("%r ended in a transaction that is still open; it is left to it", self)
            return
        try:
            if not isinstance(error, Exception):
                # Interrupted: the work is not to blame.
                self._give_back(reason(error))
                return
            try:
                self.fail(error)
            except InvalidRequest as refusal:
                # The reason's own letters may be none of the database's.
                self.fail(refusal)
        except BatchintoryError as problem:
            # What went wrong first is what the caller must see.
            logger.warning("%r could not be marked as failed: %s", self, problem)

    def _give_back(self, log: str | None) -> None:
        """Releases it, by one try: whoever does so is in a hurry."""
        self._refuse_if_ended()
        with self._ending():
            self._inventory.release(self.claim_token, log)
        self.success = False
        self._stop_heartbeat()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """While it is being ended, a heartbeat that finds it ended is no loss."""
        heartbeat = self._heartbeat
        if heartbeat is None:
            yield
            return
        heartbeat.ends = True
        try:
            yield
        except BaseException:
            heartbeat.ends = False
            raise

    def _refuse_if_ended(self) -> None:
        if self.success is not None and self._transaction is None:
            state = "succeeded" if self.success else "failed"
            raise BatchReleased(
                f"the batch of ids {self.id_range.id_min} to {self.id_range.id_max} has {state} already"
            )

    def _end(self, success: bool, result: Any, text: str | None, connection: Connection | None) -> None:
        self._refuse_if_ended()
        outcome = Outcome(success, as_document(result, self), text)
        if success and connection is None and self._note(outcome):
            self.success = True
            return
        with self._ending():
            if connection is None:
                end(self._inventory, self.claim_token, outcome, self._lease, batch=self)
            else:
                self._inventory.complete(self.claim_token, outcome, connection=connection)
        self.success = success
        self._transaction = connection
        self._stop_heartbeat()

    def _note(self, outcome: Outcome) -> bool:
        """Whether the loop sends its end with the next claim."""
        loop = None if self._loop is None else self._loop()
        if loop is None:
            return False
        if self._lease is not None and self._heartbeat is None and self._lease.left < _LEAST_LEASE:
            return False
        self._is_noted = loop.note(self, outcome)
        return self._is_noted

    def _end_noted(
        self, outcome: Outcome, request: AcquireRequest | None, *, waits: bool
    ) -> Batch | Nothing | BatchintoryError | None:
        """Sends the end that was noted, where a request is given with the claim of the next."""
        following: Batch | Nothing | BatchintoryError | None = None
        place = (self._inventory, self.claim_token, outcome)
        self._is_noted = False
        try:
            with self._ending():
                if not waits:
                    self._inventory.complete(self.claim_token, outcome)
                elif request is None:
                    end(*place, self._lease, batch=self)
                else:
                    following = end_and_acquire(*place, self._lease, request, batch=self)
        except BaseException as error:
            self.success = None
            if isinstance(error, InvalidRequest):
                self._fail_after(error)
            raise
        finally:
            self._stop_heartbeat()
        self.success = True
        return following

    def _stop_heartbeat(self) -> None:
        if self._heartbeat is not None and not self._is_noted:
            self._heartbeat.stop()

    # As pybatchintory has them.

    def release(self, success: bool | None = None, result: Any = None, logging: str | None = None) -> None:
        """Gives the batch back, as a worker does that is told to stop: its range is handed out again at once, and
        the attempt does not count towards ``max_attempts``. It is tried once. With ``success``, as in
        pybatchintory, ends the batch.

        :param success: whether all items are processed. ``None``: the batch is given back.
        :param result: kept as in :meth:`succeed`; only with ``success``.
        :param logging: kept as the batch's log.

        >>> batch.release(logging="the node is drained")
        >>> inventory.acquire(request).attempt
        2
        """
        if success is not None:
            self._end(success, result, logging, None)
        elif result is None:
            self._give_back(logging)
        else:
            raise ResultError("a batch that is given back has no result; give success=True to end it with one")

    def succeeded(self, result: Any = None, logging: str | None = None) -> None:
        """All items are processed.

        :param result: kept as in :meth:`succeed`.
        :param logging: kept as the batch's log.

        >>> batch.succeeded(logging="all is well")
        """
        self.release(True, result, logging)

    def failed(
        self, error: BaseException | str | None = None, result: Any = None, logging: str | None = None
    ) -> None:
        """The batch is given up.

        :param error: what it says is kept behind the log.
        :param result: kept as in :meth:`succeed`.
        :param logging: kept as the batch's log.

        >>> batch.failed(OSError("no space left"), logging="file-3: ")
        >>> inventory.history()[0].log
        'file-3: no space left'
        """
        if error is not None:
            logging = (logging or "") + text_of(error)
        self.release(False, result, logging)

    def error(self, error: BaseException | str | None = None) -> None:
        """The batch is given up.

        :param error: for this reason.

        >>> batch.error("no space left")
        """
        self.failed(error)


def _arrive(
    inventory: Inventory,
    record: BatchRecord,
    lease_seconds: int | None,
    first_items: list[Item],
    success: bool | None,
) -> Batch:
    """A batch that was sent to this process. How much of its lease is left is asked when it is needed."""
    batch = Batch(inventory, record, None, first_items)
    batch.lease_seconds = lease_seconds
    batch.success = success
    batch._has_arrived = True
    return batch
