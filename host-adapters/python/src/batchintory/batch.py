"""A batch in the hands of its owner."""

from __future__ import annotations

import logging as log
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from batchintory.ending import end, end_and_acquire
from batchintory.errors import BatchintoryError, BatchReleased, InvalidRequest, ResultError
from batchintory.heartbeat import Heartbeat
from batchintory.item_reader import LONGEST_PAGE, ItemReader, Row, as_item
from batchintory.json_text import JsonText, write
from batchintory.records import BatchRecord, Item, Outcome

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from batchintory.batches import Batches
    from batchintory.inventory import Inventory
    from batchintory.lease import Lease
    from batchintory.records import AcquireRequest, Nothing

logger = log.getLogger("batchintory")

P = ParamSpec("P")
R = TypeVar("R")

#: How many items are asked for at once.
PAGE = 5_000


#: How many seconds of a lease that nobody prolongs are left at least where an end may come later.
_LEAST_LEASE = 10.0

#: The log of a batch that had nothing to process.
_NO_ITEMS = "no items: the rows of this range are gone"


@dataclass(frozen=True, slots=True)
class IdRange:
    """A batch's range of ids, as pybatchintory names its parts."""

    id_min: int
    id_max: int
    count: int
    weight: float


class Batch:
    """A batch in the hands of its owner.

    It ends by :meth:`succeed`, :meth:`fail` or :meth:`process`, or with a ``with`` block. One that is forgotten
    stays ``running`` in the inventory, until its lease is over if it has one.
    """

    #: The row's id in the inventory.
    pk: int
    #: Names this attempt in calls of the inventory.
    claim_token: str
    meta_table: str
    job: str
    job_identifier: str | None
    #: 1 for a new range.
    attempt: int
    id_range: IdRange
    #: Whether it is a single item that alone is heavier than the weight asked for.
    oversized: bool
    #: Whether it holds several items and yet more than was asked for: a range that is handed out again
    #: keeps its ids, and rows have come or changed, or the limits are lower now.
    over_limit: bool
    #: The first id of those, up to ``id_min``, that it passed over for good since ``id_min`` lies above what the
    #: job had claimed; ``None`` where it passed none over.
    passed_over_from: int | None
    #: RFC 3339 in UTC, by the inventory database's clock.
    processing_start: str
    #: Its first items, which came with the claim: at most a thousand, of less than a MiB together, or none.
    first_items: list[Item]
    #: Whether it succeeded or failed; ``None`` while it runs.
    success: bool | None

    def __init__(
        self, inventory: Inventory, record: BatchRecord, lease: Lease | None, first_items: list[Item] | None = None
    ) -> None:
        self.record = record
        self.pk = record.id
        self.claim_token = record.claim_token
        self.meta_table = record.meta_table
        self.job = record.job
        self.job_identifier = record.job_identifier
        self.attempt = record.attempt
        self.id_range = IdRange(record.id_start, record.id_end, record.count, record.weight)
        self.oversized = record.oversized
        self.over_limit = record.over_limit
        self.passed_over_from = record.passed_over_from
        self.processing_start = record.processing_start
        self.success = None
        self._inventory = inventory
        self._lease = lease
        self.first_items = first_items or []
        #: The loop that may send its end with the next claim, and whether it is to do so.
        self._loop: weakref.ref[Batches] | None = None
        self._is_noted = False
        self._rows: list[Row] | None = None
        self._records: list[Item] | None = None
        self._heartbeat: Heartbeat | None = None
        self._transaction: Connection | None = None

    def __repr__(self) -> str:
        state = {None: "running", True: "succeeded", False: "failed"}[self.success]
        ids = self.id_range
        return (
            f"<Batch {self.pk} of {self.job!r} on {self.meta_table!r}: ids {ids.id_min} to {ids.id_max}, "
            f"{ids.count} items, {state}>"
        )

    # The items.

    @property
    def items(self) -> list[str | None]:
        """What to process: the item column of all items as text, in the order of their ids."""
        return [row[1] for row in self._all_rows()]

    @property
    def records(self) -> list[Item]:
        """All items with their ids and weights. They are read once; for very many see :meth:`pages`."""
        if self._records is None:
            self._records = list(map(as_item, self._all_rows()))
        return self._records

    def pages(self, size: int = PAGE) -> Iterator[list[Item]]:
        """All items, page by page: at most so many each (1 to 10,000), and where they have more than 2 KiB each,
        about a MiB of them. The first ones came with the claim."""
        return (list(map(as_item, page)) for page in self._pages(size))

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
        """All items are processed; the result is kept as JSON, to the letter: decimals may be among its numbers,
        and numbers that a float does not hold come back as decimals.

        An end that the database does not take is tried again while the lease holds, or for five minutes without
        one; then the last error is raised, or :class:`~batchintory.errors.LeaseOver` where the lease is over.

        A batch of :meth:`Inventory.batches` is ended by the call that claims the next one, which raises what its
        database says of it; see :class:`~batchintory.batches.Batches`.

        With a connection of SQLAlchemy the batch ends inside its transaction: what else is written there and
        the end of the batch are committed together, or neither. When the batch was taken from its owner
        meanwhile, :class:`~batchintory.errors.Superseded` is raised: let it roll the transaction back.
        """
        self._end(True, result, log, connection)

    def fail(
        self,
        error: BaseException | str | None = None,
        *,
        result: Any = None,
        connection: Connection | None = None,
    ) -> None:
        """The batch is given up, for this reason; it is handed out again as its request allows."""
        self._end(False, result, None if error is None else _message(error), connection)

    def process(
        self, work: Callable[Concatenate[list[str | None], P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Calls ``work(items, *args, **kwargs)``, lets the batch succeed with what it returns or fail with what it
        raises, and hands that on. Without items, since the range's rows are gone, it succeeds, and ``work`` is not
        called. Meanwhile the lease is prolonged."""
        with self:
            if not self.items:
                self.succeed(log=_NO_ITEMS)
                return None
            result = work(self.items, *args, **kwargs)
            self.succeed(result)
        return result

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

    def keep_alive(self) -> Heartbeat:
        """Prolongs the batch's lease in the background until the batch ends; ``with`` and :meth:`process` do so.
        Without a lease there is nothing to do."""
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(self._inventory, self.claim_token, self._lease)
        return self._heartbeat

    @property
    def is_lost(self) -> bool:
        """Whether the batch is not its owner's any more, as a heartbeat has told, or may not be: its lease is over
        since no sign of life got through. Work on it is in vain."""
        return self._heartbeat is not None and self._heartbeat.is_lost

    def when_lost(self, told: Callable[[BatchintoryError], None]) -> None:
        """Calls back, from another thread, once :attr:`is_lost`, with the reason: let it stop the work.
        Somebody else may have the same items then. Prolongs the lease as :meth:`keep_alive` does."""
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
                # Interrupted: there is no time to wait for a database that is away.
                self._end(False, None, _message(error), None, waits=False)
                return
            try:
                self.fail(error)
            except InvalidRequest as refusal:
                # The reason's own letters may be none of the database's.
                self.fail(refusal)
        except BatchintoryError as problem:
            # What went wrong first is what the caller must see.
            logger.warning("%r could not be marked as failed: %s", self, problem)

    def _end(
        self,
        success: bool,
        result: Any,
        text: str | None,
        connection: Connection | None,
        *,
        waits: bool = True,
    ) -> None:
        if self.success is not None and self._transaction is None:
            state = "succeeded" if self.success else "failed"
            raise BatchReleased(
                f"the batch of ids {self.id_range.id_min} to {self.id_range.id_max} has {state} already"
            )
        outcome = Outcome(success, _as_document(result), text)
        if success and connection is None and self._note(outcome):
            self.success = True
            return
        heartbeat = self._heartbeat
        try:
            if heartbeat is not None:
                heartbeat.ends = True
            if connection is None and waits:
                end(self._inventory, self.claim_token, outcome, self._lease, batch=self)
            else:
                self._inventory.complete(self.claim_token, outcome, connection=connection)
        except BaseException:
            if heartbeat is not None:
                heartbeat.ends = False
            raise
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
        heartbeat = self._heartbeat
        try:
            if heartbeat is not None:
                heartbeat.ends = True
            if not waits:
                self._inventory.complete(self.claim_token, outcome)
            elif request is None:
                end(*place, self._lease, batch=self)
            else:
                following = end_and_acquire(*place, self._lease, request, batch=self)
        except BaseException as error:
            self.success = None
            if heartbeat is not None:
                heartbeat.ends = False
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

    def release(self, success: bool, result: Any = None, logging: str | None = None) -> None:
        """Ends the batch."""
        self._end(success, result, logging, None)

    def succeeded(self, result: Any = None, logging: str | None = None) -> None:
        """All items are processed."""
        self.release(True, result, logging)

    def failed(
        self, error: BaseException | str | None = None, result: Any = None, logging: str | None = None
    ) -> None:
        """The batch is given up."""
        if error is not None:
            logging = (logging or "") + _message(error)
        self.release(False, result, logging)

    def error(self, error: BaseException | str | None = None) -> None:
        """The batch is given up."""
        self.failed(error)


def _message(error: BaseException | str) -> str:
    """What is kept of an error. One without words still has a name. A log may be a MiB at most."""
    text = str(error) or type(error).__name__
    if len(text.encode(errors="replace")) > _LOG_BYTES:
        text = text.encode(errors="replace")[-_LOG_BYTES:].decode(errors="ignore")
    return text.replace("\0", "").encode(errors="replace").decode()


_LOG_BYTES = 1 << 20


def _as_document(result: Any) -> Any:
    if result is None:
        return None
    try:
        return JsonText(write(result))
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultError(
            f"the batch's result cannot be written as JSON: {error}; return what JSON knows, or None"
        ) from error
