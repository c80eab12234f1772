"""The inventory in an event loop: every operation of the planner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar, overload

from sqlalchemy.ext.asyncio import AsyncEngine

from batchintory.arguments import check_async_work, span
from batchintory.asynchronous.async_batch import AsyncBatch
from batchintory.asynchronous.engine_database import EngineDatabase
from batchintory.asynchronous.loop_call import LoopCall
from batchintory.asynchronous.loop_inventory import LoopInventory
from batchintory.batch import Batch
from batchintory.batches import Batches, Processed, Tally
from batchintory.errors import BatchintoryError, ConnectError, NoSuchBatch, PickleError, Superseded
from batchintory.inventory import CAP, FIRST_ITEMS, POLL
from batchintory.planner.limits import Limits
from batchintory.records import (
    AcquireRequest,
    Attempt,
    AuditPage,
    BatchPlan,
    Completion,
    Dialect,
    HistoryQuery,
    Item,
    JobPlace,
    JobProgress,
    JobsQuery,
    JobSummary,
    Migration,
    Nothing,
    NotifyChannel,
    Outcome,
    PageStatement,
    RequeueTarget,
    StatusLabels,
)
from batchintory.table import Table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection
else:
    AsyncConnection = Any

logger = logging.getLogger("batchintory")

P = ParamSpec("P")
T = TypeVar("T")

#: The most claims at once, and the most other calls: each has a thread. Signs of life and ends do not wait.
_CLAIMS, _CALLS = 16, 32

#: For how many seconds a database is waited for at most that is to take back what was cancelled.
_PATIENCE = 5.0


class AsyncInventory:
    """Hands out batches and keeps the inventory of every attempt, in an event loop.

    Statements run in the program's loop, by connections that its engine makes. For each call the planner computes
    in a thread of its own, which has ended when the call has. A call may be cancelled, by
    :meth:`asyncio.Task.cancel` or :func:`asyncio.timeout`, and leaves nothing running: a statement that is under
    way may go on for a second, and is then cancelled too. What a cancelled call has claimed is given back; with a
    claim token of the caller's own it is left to the caller, who may make the call again.

    What each operation means in all detail is said in ``wit/inventory.wit``.
    """

    def __init__(
        self,
        inventory: AsyncEngine,
        meta: AsyncEngine | None = None,
        *,
        inventory_table: str = "inventory",
        meta_schema: str | None = None,
        meta_name: str | None = None,
        status_labels: StatusLabels = StatusLabels(),
        limits: Limits = Limits(),
    ) -> None:
        """Takes engines of SQLAlchemy's, by aiosqlite, asyncpg, psycopg 3, aiomysql or asyncmy. Connections of the
        inventory's own are made by them, once they are needed; close them by :meth:`close` or ``async with``.

        :param inventory: makes connections to the inventory's database.
        :param meta: makes those to the meta tables', which is only read; by default they lie in the inventory's.
        :param inventory_table: the inventory's name there, as ``table`` or ``schema.table``.
        :param meta_schema: the schema of meta tables that are named without one.
        :param meta_name: the name of the source that the meta tables' database is, where several share the
            inventory: it keeps tables of one name apart.
        :param status_labels: the words of the inventory's column ``status``.
        :param limits: how much memory and time the planner may take.

        >>> AsyncInventory(engine)
        <AsyncInventory 'inventory' in sqlite>
        """
        databases = [_database(inventory)]
        if meta is not None and meta is not inventory:
            databases.append(_database(meta))
        self._databases = databases
        self._inventory = LoopInventory(
            databases[0],
            None if len(databases) == 1 else databases[1],
            inventory_table=inventory_table,
            meta_schema=meta_schema,
            meta_name=meta_name,
            status_labels=status_labels,
            limits=limits,
        )
        self._claims, self._calls = asyncio.Semaphore(_CLAIMS), asyncio.Semaphore(_CALLS)
        #: Of those that wait for batches from now on.
        self._is_closed = asyncio.Event()

    def __repr__(self) -> str:
        settings = self._inventory._databases.settings
        return f"<AsyncInventory {settings.inventory_table!r} in {settings.inventory_dialect}>"

    def __reduce__(self) -> NoReturn:
        raise PickleError("an AsyncInventory belongs to its event loop; make one where it is needed")

    async def __aenter__(self) -> AsyncInventory:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes connections that lie idle; they are opened again when they are needed. Whoever waits for batches
        (``batches(…, follow=True)``) waits no longer.

        >>> await inventory.close()
        """
        self._is_closed.set()
        self._is_closed = asyncio.Event()
        self._inventory.close()
        for database in self._databases:
            await database.close_connections()

    # How calls are made.

    async def _call_at_once(self, work: Callable[[], T]) -> T:
        return await LoopCall(work).run()

    async def _call(self, work: Callable[[], T]) -> T:
        async with self._calls:
            return await self._call_at_once(work)

    async def _claim(self, work: Callable[[], T]) -> T:
        """Makes a call that claims. What nobody will know of is given back."""
        async with self._claims:
            call = LoopCall(work)
            try:
                return await call.run()
            except asyncio.CancelledError:
                for token in call.claim_tokens:
                    await self._give_back(token)
                raise

    async def _give_back(self, claim_token: str) -> None:
        """Gives back what may have been claimed under this token."""
        try:
            await self._before_long(partial(self._inventory.release, claim_token, "its claim was cancelled"))
        except (NoSuchBatch, Superseded):
            pass  # Nothing was claimed, or the lease was over at once.
        except BatchintoryError as problem:
            logger.warning("what a cancelled call has claimed could not be given back: %s", problem)

    async def _before_long(self, work: Callable[[], None]) -> None:
        """Makes a call for a program that was cancelled: it is not to wait for long."""
        try:
            await asyncio.wait_for(self._call_at_once(work), _PATIENCE)
        except asyncio.TimeoutError:
            logger.warning(
                "the database does not answer within %.0f s: a batch of what was cancelled may be running still, "
                "until its lease is over or it is requeued",
                _PATIENCE,
            )

    def _sends_life_sign(self, batch: Batch) -> Callable[[], Awaitable[None]]:
        token, seconds = batch.claim_token, batch.lease_seconds
        return lambda: self._call_at_once(lambda: self._inventory.heartbeat(token, seconds or 0))

    @staticmethod
    async def _last_beat(batch: Batch) -> None:
        """Waits for what is left of a heartbeat that was stopped."""
        from batchintory.asynchronous.task_heartbeat import TaskHeartbeat

        if isinstance(batch._heartbeat, TaskHeartbeat):
            await batch._heartbeat.ended()

    def _given(self, acquired: Batch | Nothing) -> AsyncBatch | Nothing:
        return AsyncBatch(self, acquired) if isinstance(acquired, Batch) else acquired

    # Handing out.

    async def acquire(self, request: AcquireRequest, claim_token: str | None = None) -> AsyncBatch | Nothing:
        """Hands out the next batch of a job: first what failed or lost its owner, then a new range.

        :param request: what to hand out, and how much of it.
        :param claim_token: a token of the caller's own (unguessable, 1 to 255 bytes). With it the call may be
            repeated after any failure or cancellation, by another process too, and gives the same batch again once
            it has succeeded.
        :returns: a batch, which is true, or :class:`Nothing`, which is false and says why.

        >>> if batch := await inventory.acquire(request):
        ...     print(len(await batch.items()))
        ...     await batch.succeed()
        10
        """
        return await self.advance(None, request, claim_token)

    async def advance(
        self,
        done: Completion | None,
        request: AcquireRequest,
        claim_token: str | None = None,
        items: int = FIRST_ITEMS,
    ) -> AsyncBatch | Nothing:
        """Ends a batch, where one is given, and hands out the next: where inventory and meta table are in one
        database, with fewer round trips than by :meth:`complete`, :meth:`acquire` and :meth:`items`.
        :meth:`process` does so.

        :param done: the batch that is over, or ``None``.
        :param request: what to hand out, and how much of it.
        :param claim_token: as in :meth:`acquire`.
        :param items: how many of the next batch's items come with it, at most 10,000.

        >>> done = Completion(batch.claim_token, Outcome(True, {"lines": 7}))
        >>> await inventory.advance(done, request)
        <AsyncBatch 2 of 'count' on 'files': ids 11 to 20, 10 items, running>
        """
        return self._given(await self._claim(lambda: self._inventory.advance(done, request, claim_token, items)))

    async def acquire_many(
        self, request: AcquireRequest, batches: int, claim_token: str | None = None
    ) -> list[AsyncBatch]:
        """Hands out several batches that follow each other, all or none; fewer where less is left, and one that is
        handed out again comes alone.

        :param request: what to hand out, and how much of it in each batch.
        :param batches: the most of them, 1 to 1,000.
        :param claim_token: a token of the caller's own for the first; the second batch's is that with ``/2``
            behind it, and so on.

        >>> [batch.id_range.id_min for batch in await inventory.acquire_many(request, 3)]
        [11, 21, 31]
        """
        found = await self._claim(lambda: self._inventory.acquire_many(request, batches, claim_token))
        return [AsyncBatch(self, batch) for batch in found]

    async def batch(self, claim_token: str) -> AsyncBatch:
        """The running batch with a claim token, for whoever goes on with it. Changes nothing; its lease goes on as
        it is.

        :param claim_token: the batch's; :meth:`AsyncBatch.hand_over` gives it.
        :raises Superseded: where it has ended, or was taken from its owner.
        :raises NoSuchBatch: where there is none.

        >>> token = batch.hand_over()
        >>> (await inventory.batch(token)).id_range.id_min
        1
        """
        return AsyncBatch(self, await self._call(lambda: self._inventory.batch(claim_token)))

    async def batches(
        self,
        request: AcquireRequest,
        iterations: int | None = None,
        *,
        follow: bool = False,
        poll: float | timedelta = POLL,
    ) -> AsyncIterator[AsyncBatch]:
        """One batch after the other, each claimed when it is asked for. Databases that were reached before are
        waited for when they are away: as long as a lease lasts, or for five minutes where there is none.

        :param request: what to hand out, and how much of it in each batch.
        :param iterations: the most batches; by default until nothing is left.
        :param follow: waits where nothing is left. The loop ends when :meth:`close` is called, or is cancelled.
        :param poll: how it waits: it asks again after a random time between half of this and all of it, or sooner
            when the next range has waited long enough or its lease is over.

        >>> async for batch in inventory.batches(request, iterations=2):
        ...     async with batch:
        ...         print((await batch.items())[0])
        file-11
        file-21
        """
        batches = Batches(self._inventory, request, iterations, span(poll) if follow else None, "by-themselves")
        while (batch := await self._next(batches)) is not None:
            yield AsyncBatch(self, batch)

    async def _next(self, batches: Batches) -> Batch | None:
        """The next batch, once there is one."""
        is_closed = self._is_closed
        while isinstance(found := await self._claim(batches.step), float):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(is_closed.wait(), found)
            if is_closed.is_set():
                return None
        return found

    @overload
    async def process(
        self,
        request: AcquireRequest,
        work: Callable[Concatenate[list[str | None], P], Awaitable[Any]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Processed: ...

    @overload
    async def process(
        self,
        request: AcquireRequest,
        work: Callable[[list[str | None]], Awaitable[Any]],
        /,
        *,
        follow: bool,
        poll: float | timedelta = POLL,
    ) -> Processed: ...

    # A function whose own arguments have these names gets them otherwise.
    async def process(  # type: ignore[misc]
        self,
        request: AcquireRequest,
        work: Callable[..., Awaitable[Any]],
        /,
        *args: Any,
        follow: bool = False,
        poll: float | timedelta = POLL,
        **kwargs: Any,
    ) -> Processed:
        """Hands out one batch after the other until nothing is left, and ends each as :meth:`AsyncBatch.process`
        does: mostly by the call that claims the next. A failed batch does not keep the next ones back, is logged,
        and is handed out again as the request allows. Cancelled, it gives back the batch that it works on.

        :param request: what to hand out, and how much of it in each batch.
        :param work: awaited with the items of each batch; what comes of it is the batch's result.
        :param args: handed on to it.
        :param kwargs: handed on to it.
        :param follow: goes on as :meth:`batches` does.
        :param poll: waits as :meth:`batches` does.

        >>> async def count(items):
        ...     return len(items)
        >>> (await inventory.process(request, count)).succeeded
        9
        """
        check_async_work(work)
        batches = Batches(self._inventory, request, None, span(poll) if follow else None, "with-the-next")
        tally = Tally()
        try:
            while not tally.is_over:
                before = tally.batch
                try:
                    with tally.passes_over():
                        tally.got(await self._next(batches))
                finally:
                    if before is not None:
                        await self._last_beat(before)
                if (batch := tally.batch) is not None:
                    with tally.passes_over():
                        await AsyncBatch(self, batch).process(work, *args, **kwargs)
            return tally.processed(batches)
        finally:
            try:
                await self._call_at_once(batches.close)
            finally:
                # It belongs to the loop, and must not be sent by whoever takes the garbage away.
                batches.abandon()

    async def items(self, claim_token: str, after: int | None = None, limit: int = 5_000) -> Table[Item]:
        """A page of the items of a batch: up to ``limit`` items, or about a MiB of them. An empty page is the end.

        :param claim_token: the batch's.
        :param after: the page begins behind this id.
        :param limit: the most to return, 1 to 10,000.

        >>> await inventory.items(batch.claim_token, after=9)
        [Item(uid=10, item='file-10', weight=10.0)]
        """
        return await self._call(lambda: self._inventory.items(claim_token, after, limit))

    async def items_statement(self, claim_token: str) -> PageStatement | None:
        """The statement by which a batch's items are read without the planner; ``None`` where only :meth:`items`
        gives them. What has to be looked at then is said in ``wit/inventory.wit``.

        :param claim_token: the batch's.

        >>> (await inventory.items_statement(batch.claim_token)).after
        0
        """
        return await self._call(lambda: self._inventory.items_statement(claim_token))

    async def heartbeat(self, claim_token: str, lease_seconds: int | timedelta) -> None:
        """A sign of life: the batch's lease now ends ``lease_seconds`` from now.

        :param claim_token: the batch's.
        :param lease_seconds: from now on, 1 to 31,536,000 seconds.

        >>> await inventory.heartbeat(batch.claim_token, timedelta(minutes=5))
        """
        await self._call_at_once(lambda: self._inventory.heartbeat(claim_token, lease_seconds))

    async def complete(
        self, claim_token: str, outcome: Outcome, *, connection: AsyncConnection | None = None
    ) -> None:
        """Ends a batch; ending it again in the same way is fine and changes nothing.

        :param claim_token: the batch's.
        :param outcome: how it ended.
        :param connection: one of SQLAlchemy to the inventory's database: then the batch ends inside its
            transaction.

        >>> await inventory.complete(batch.claim_token, Outcome(False, log="no space left"))
        """
        await self._call_at_once(
            lambda: self._inventory.complete(claim_token, outcome, connection=connection)  # type: ignore[arg-type]
        )

    async def release(self, claim_token: str, log: str | None = None) -> None:
        """Gives a batch back: its range is handed out again at once, and the attempt does not count towards
        ``max_attempts``. Where the batch was released already, or has failed, nothing changes.

        :param claim_token: the batch's.
        :param log: kept as the batch's log; by default ``released``.

        >>> await inventory.release(batch.claim_token, "the node is drained")
        >>> (await inventory.acquire(request)).attempt
        2
        """
        await self._call_at_once(lambda: self._inventory.release(claim_token, log))

    # Looking ahead.

    async def plan(self, request: AcquireRequest, batches: int = 100, after: int | None = None) -> BatchPlan:
        """The next batches, without claiming them.

        :param request: what to hand out, and how much of it in each batch.
        :param batches: the most of them, 1 to 1,000.
        :param after: as if all ids up to this one were claimed.

        >>> (await inventory.plan(request, 1)).batches
        [PlannedBatch(id_start=11, id_end=20, count=10, weight=100.0, oversized=False)]
        """
        return await self._call(lambda: self._inventory.plan(request, batches, after))

    async def progress(self, request: AcquireRequest, cap: int = CAP) -> JobProgress:
        """What a job has left to do.

        :param request: what the job hands out.
        :param cap: where counting stops, 1 to 100,000,000.

        >>> (await inventory.progress(request)).items
        90
        """
        return await self._call(lambda: self._inventory.progress(request, cap))

    async def warnings(self, request: AcquireRequest) -> list[str]:
        """What about a job's source may surprise its user, a sentence each; for the start of a program.

        :param request: what the job hands out.

        >>> print((await inventory.warnings(request))[0][:53])
        the meta table "files" was made without AUTOINCREMENT
        """
        return await self._call(lambda: self._inventory.warnings(request))

    # Looking back.

    async def requeue(self, meta_table: str, job: str, target: RequeueTarget) -> int:
        """Requeues ranges of a job, to be handed out again as a new attempt, whatever became of them.

        :param meta_table: the job's.
        :param job: its name.
        :param target: ``("batch", id)``, ``("ids", [IdRange(…), …])`` or ``("exhausted", None)``.
        :returns: how many.

        >>> await batch.succeed()
        >>> await inventory.requeue("files", "count", ("ids", [IdRange(1, 5)]))
        1
        """
        return await self._call(lambda: self._inventory.requeue(meta_table, job, target))

    async def audit(self, meta_table: str, job: str, after: int | None = None, limit: int = 100) -> AuditPage:
        """Counts processed ranges again, and lists those whose rows differ from what was processed.

        :param meta_table: the job's.
        :param job: its name.
        :param after: those behind this id.
        :param limit: the most to return, 1 to 1,000.

        >>> await batch.succeed()
        >>> await inventory.audit("files", "count")
        AuditPage(ranges=1, audited_to=10, differences=[])
        """
        return await self._call(lambda: self._inventory.audit(meta_table, job, after, limit))

    async def jobs(self, query: JobsQuery = JobsQuery()) -> Table[JobSummary]:
        """Jobs, by meta table and name, up to the query's limit. An empty page is the end; see :meth:`all_jobs`.

        :param query: which jobs; by default all.

        >>> [(job.job, job.running) for job in await inventory.jobs()]
        [('count', 1)]
        """
        return await self._call(lambda: self._inventory.jobs(query))

    async def all_jobs(self, query: JobsQuery = JobsQuery()) -> AsyncIterator[JobSummary]:
        """Jobs, by meta table and name, one after the other.

        :param query: which jobs; its limit is that of a page.

        >>> [job.watermark async for job in inventory.all_jobs(JobsQuery(search="cou"))]
        [10]
        """
        while page := await self.jobs(query):
            for job in page:
                yield job
            query = replace(query, after=JobPlace(page[-1].meta_table, page[-1].job))

    async def history(self, query: HistoryQuery = HistoryQuery()) -> Table[Attempt]:
        """Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is
        the end.

        :param query: which attempts; by default all.

        >>> await batch.fail(ValueError("no such file"))
        >>> (await inventory.history(HistoryQuery(job="count")))[0].log
        'ValueError: no such file'
        """
        return await self._call(lambda: self._inventory.history(query))

    # The inventory's table.

    async def schema_statements(self, dialect: Dialect) -> list[str]:
        """The statements that make the inventory table, for those who run them themselves.

        :param dialect: ``postgresql``, ``sqlite`` or ``mysql``.

        >>> print((await inventory.schema_statements("postgresql"))[0][:12])
        CREATE TABLE
        """
        return await self._call(lambda: self._inventory.schema_statements(dialect))

    async def notifications(self, meta_table: str) -> NotifyChannel | None:
        """The channel on which the meta table's database tells that rows have come, and the statements for it;
        ``None`` where it has no such thing, as SQLite.

        :param meta_table: its name.

        >>> await inventory.notifications("files")
        """
        return await self._call(lambda: self._inventory.notifications(meta_table))

    async def migrate(self) -> Migration:
        """Makes the inventory table where it is missing, or upgrades one of pybatchintory. May be called by
        several processes at once, and again at any time.

        >>> await inventory.migrate()
        Migration(created=False, upgraded=False)
        """
        return await self._call(self._inventory.migrate)


def _database(engine: AsyncEngine) -> EngineDatabase:
    if not isinstance(engine, AsyncEngine):
        raise ConnectError(
            f"an AsyncInventory takes an AsyncEngine, not a {type(engine).__name__}; make one by "
            "`sqlalchemy.ext.asyncio.create_async_engine(url)`, or use `Inventory` for programs without asyncio"
        )
    return EngineDatabase(engine)
