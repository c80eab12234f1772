"""A batch in the hands of a program of :mod:`asyncio`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NoReturn, ParamSpec, TypeVar

from batchintory.arguments import check_async_work
from batchintory.asynchronous.task_heartbeat import TaskHeartbeat
from batchintory.batch import NO_ITEMS, PAGE, Batch
from batchintory.batch_facts import BatchFacts
from batchintory.errors import PickleError
from batchintory.life_signs import LifeSigns, WhenLost
from batchintory.records import Item
from batchintory.table import Table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from batchintory.asynchronous.async_inventory import AsyncInventory
else:
    # Hints are read without them.
    AsyncConnection = Any

P = ParamSpec("P")
R = TypeVar("R")


class AsyncBatch(BatchFacts):
    """A batch in the hands of its owner, in an event loop.

    It ends by :meth:`succeed`, :meth:`fail`, :meth:`release` or :meth:`process`, or with an ``async with`` block:
    that lets it succeed at its end, fail with an exception, and gives it back where it is cancelled. Meanwhile its
    lease is prolonged. One that is forgotten stays ``running`` in the inventory, until its lease is over if it has
    one; a ``ResourceWarning`` says so.

    >>> async with await inventory.acquire(request) as batch:
    ...     print((await batch.items())[:2], batch.id_range, batch.attempt)
    ['file-11', 'file-12'] IdRange(id_min=11, id_max=20, count=10, weight=100.0) 1
    """

    #: How long its lease goes on from each sign of life; ``None`` where it has none.
    lease_seconds: int | None
    #: Its first items, which came with the claim: at most a thousand, of less than a MiB together, or none.
    first_items: list[Item]

    def __init__(self, inventory: AsyncInventory, batch: Batch) -> None:
        super().__init__(batch.record)
        self._inventory = inventory
        self._batch = batch
        self.lease_seconds = batch.lease_seconds
        self.first_items = batch.first_items

    def __bool__(self) -> Literal[True]:
        return True

    def __repr__(self) -> str:
        return f"<AsyncBatch {self._told(self.success)}>"

    def __reduce__(self) -> NoReturn:
        raise PickleError(
            "an AsyncBatch belongs to its event loop; send the token that `batch.hand_over()` gives, and take the "
            "batch up by `inventory.batch(claim_token)` where it arrives"
        )

    @property
    def success(self) -> bool | None:
        """Whether it succeeded or failed; ``None`` while it runs."""
        return self._batch.success

    # The items.

    async def items(self) -> list[str | None]:
        """What to process: the item column of all items as text, in the order of their ids. They are read once.

        >>> (await batch.items())[0]
        'file-1'
        """
        return await self._inventory._call(lambda: self._batch.items)

    async def records(self) -> Table[Item]:
        """All items with their ids and weights. They are read once; for very many see :meth:`pages`.

        >>> (await batch.records())[0]
        Item(uid=1, item='file-1', weight=10.0)
        """
        return await self._inventory._call(lambda: self._batch.records)

    async def pages(self, size: int = PAGE) -> AsyncIterator[Table[Item]]:
        """All items, page by page: where they have more than 2 KiB each, about a MiB of them. The first ones came
        with the claim.

        :param size: the most in each, 1 to 10,000.

        >>> [len(page) async for page in batch.pages(4)]
        [4, 4, 2]
        """
        pages = self._batch.pages(size)
        while (page := await self._inventory._call(partial(next, pages, None))) is not None:
            yield page

    # The end.

    async def succeed(
        self, result: Any = None, *, log: str | None = None, connection: AsyncConnection | None = None
    ) -> None:
        """All items are processed.

        An end that the database does not take is tried again while the lease holds, or for five minutes without
        one; then the last error is raised, or :class:`~batchintory.errors.LeaseOver` where the lease is over.

        :param result: kept as JSON, as by :meth:`Batch.succeed`.
        :param log: kept as the batch's log.
        :param connection: one of SQLAlchemy: then the batch ends inside its transaction, and what else is written
            there and the end of the batch are committed together, or neither. When the batch was taken from its
            owner meanwhile, :class:`~batchintory.errors.Superseded` is raised: let it roll the transaction back.

        >>> await batch.succeed({"lines": 7})
        >>> (await inventory.history())[0].result_item
        {'lines': 7}
        """
        await self._end(lambda: self._batch.succeed(result, log=log, connection=connection))  # type: ignore[arg-type]

    async def fail(
        self,
        error: BaseException | str | None = None,
        *,
        result: Any = None,
        connection: AsyncConnection | None = None,
    ) -> None:
        """The batch is given up; it is handed out again as its request allows.

        :param error: for this reason. Of an exception its type, what it says and the end of its traceback are
            kept.
        :param result: kept as in :meth:`succeed`.
        :param connection: as in :meth:`succeed`.

        >>> await batch.fail("the disk is full")
        >>> (await inventory.history())[0].log
        'the disk is full'
        """
        await self._end(lambda: self._batch.fail(error, result=result, connection=connection))  # type: ignore[arg-type]

    async def release(self, log: str | None = None) -> None:
        """Gives the batch back, as a worker does that is told to stop: its range is handed out again at once, and
        the attempt does not count towards ``max_attempts``. It is tried once.

        :param log: kept as the batch's log; by default ``released``.

        >>> await batch.release("the node is drained")
        >>> (await inventory.acquire(request)).attempt
        2
        """
        await self._end(lambda: self._batch.release(logging=log))

    async def process(
        self,
        work: Callable[Concatenate[list[str | None], P], Awaitable[R]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R | None:
        """Processes the items, and lets the batch succeed with what comes of it, or fail with what is raised,
        which is logged with its traceback; hands either on. Without items, since the range's rows are gone, it
        succeeds, and ``work`` is not called. Cancelled, it is given back. Meanwhile the lease is prolonged.

        :param work: awaited as ``work(items, *args, **kwargs)``. A function that computes for long keeps the loop
            from sending signs of life: let it await :func:`asyncio.to_thread`.
        :param args: handed on to it.
        :param kwargs: handed on to it.

        >>> async def count(items):
        ...     return len(items)
        >>> await batch.process(count)
        10
        """
        check_async_work(work)
        async with self:
            items = await self.items()
            if not items:
                await self.succeed(log=NO_ITEMS)
                return None
            try:
                result: Any = work(items, *args, **kwargs)
                # What is no coroutine is done already.
                if inspect.isawaitable(result):
                    result = await result
            except Exception as error:
                self._batch._tell_failure(error)
                raise
            await self.succeed(result)
        return result  # type: ignore[no-any-return]

    async def __aenter__(self) -> AsyncBatch:
        await self.keep_alive()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_cancelled = isinstance(error, asyncio.CancelledError)
        calls = self._inventory._before_long if is_cancelled else self._inventory._call_at_once
        await self._end(lambda: self._batch.__exit__(kind, error, traceback), calls)

    async def _end(
        self, end: Callable[[], None], calls: Callable[[Callable[[], None]], Awaitable[None]] | None = None
    ) -> None:
        try:
            await (calls or self._inventory._call_at_once)(end)
        finally:
            await self._inventory._last_beat(self._batch)

    async def keep_alive(self) -> LifeSigns:
        """Prolongs the batch's lease by a task in the background, until the batch ends; ``async with`` and
        :meth:`process` do so. Without a lease there is nothing to do.

        >>> async with await inventory.acquire(request) as batch:
        ...     heartbeat = await batch.keep_alive()
        >>> heartbeat.is_lost
        False
        """
        batch = self._batch
        if batch._heartbeat is None:
            await self._inventory._call_at_once(batch._take_up)
        if batch._heartbeat is None:
            batch._heartbeat = TaskHeartbeat(self._inventory._sends_life_sign(batch), batch._lease)
        return batch._heartbeat

    @property
    def is_lost(self) -> bool:
        """Whether the batch is not its owner's any more, as a heartbeat has told, or may not be: its lease is over
        since no sign of life got through. Work on it is in vain."""
        return self._batch.is_lost

    async def when_lost(self, told: WhenLost) -> None:
        """Calls back, in the event loop, once :attr:`is_lost`: let it cancel the work. Somebody else may have the
        same items then. Prolongs the lease as :meth:`keep_alive` does.

        :param told: called with the reason.

        >>> await batch.when_lost(lambda reason: print("stop:", reason))
        """
        (await self.keep_alive()).when_lost(told)

    def hand_over(self) -> str:
        """Gives its claim token, for whoever goes on with it by :meth:`AsyncInventory.batch`, or by
        :meth:`Inventory.batch` elsewhere: it is no more for this program to end, which prolongs its lease no
        longer.

        >>> token = batch.hand_over()
        >>> await (await inventory.batch(token)).succeed()
        """
        return self._batch.hand_over()
