"""The inventory: every operation of the planner."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Event, Lock
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, overload

from batchintory.arguments import check_work, seconds, span
from batchintory.batch import Batch
from batchintory.batches import Batches, Processed
from batchintory.claim_queue import ClaimQueues
from batchintory.connect import Source
from batchintory.database import Database, Databases
from batchintory.errors import BatchintoryError, planner_error
from batchintory.lease import Lease
from batchintory.opening import Opening, arrived
from batchintory.planner.limits import Limits
from batchintory.planner.pool import InstancePool
from batchintory.records import (
    AcquireRequest,
    Attempt,
    AuditPage,
    BatchPlan,
    BatchRecord,
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
    RunningBatch,
    StatusLabels,
)
from batchintory.table import Table

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
else:
    # Whoever has one has imported SQLAlchemy, which takes a while; hints are read without it.
    Connection = Any

P = ParamSpec("P")

#: How far :meth:`Inventory.progress` counts, unless said otherwise.
CAP = 1_000_000

#: For how many seconds :meth:`Inventory.batches` waits at most before it asks again, unless said otherwise.
POLL = 10.0

#: How many of a batch's items come with its claim.
FIRST_ITEMS = 1_000


class Inventory:
    """Hands out batches and keeps the inventory of every attempt.

    Calls may be made from many threads at once, and in forked processes: those make connections of their own.
    Claims of one job then come one after the other, since only one of those that run at once could succeed.
    What each operation means in all detail is said in ``wit/inventory.wit``.
    """

    def __init__(
        self,
        inventory: Source,
        meta: Source | None = None,
        *,
        inventory_table: str = "inventory",
        meta_schema: str | None = None,
        meta_name: str | None = None,
        status_labels: StatusLabels = StatusLabels(),
        limits: Limits = Limits(),
    ) -> None:
        """Opens the databases; see :func:`batchintory.connect.connect` for what they may be.

        :param inventory: the inventory's database: a URL, a path of an SQLite file, an engine or a connection.
        :param meta: that of the meta tables, which is only read; by default they lie in the inventory's.
        :param inventory_table: the inventory's name there, as ``table`` or ``schema.table``.
        :param meta_schema: the schema of meta tables that are named without one.
        :param meta_name: the name of the source that the meta tables' database is, where several share the
            inventory: it keeps tables of one name apart.
        :param status_labels: the words of the inventory's column ``status``.
        :param limits: how much memory and time the planner may take.

        >>> Inventory("sqlite:lake.sqlite")
        <Inventory 'inventory' in sqlite>
        """
        self._begin(Opening(inventory, meta, inventory_table, meta_schema, meta_name, status_labels, limits))
        self._open()

    def _begin(self, opening: Opening) -> None:
        self._opening = opening
        self._options: tuple[str, str | None, StatusLabels, str | None] = (
            opening.inventory_table,
            opening.meta_schema,
            opening.status_labels,
            opening.meta_name,
        )
        self._opened: tuple[tuple[Database, Database], Databases] | None = None
        self._lock = Lock()
        self._instances = InstancePool(opening.limits)
        self._claims = ClaimQueues()
        #: Of those that wait for batches from now on.
        self._is_closed = Event()
        #: Batches that this process holds, by their claim tokens.
        self._held: weakref.WeakValueDictionary[str, Batch] = weakref.WeakValueDictionary()
        _alive.add(self)

    def _open(self) -> tuple[tuple[Database, Database], Databases]:
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    both = self._opening.open()
                    self._opened = both, Databases(both[0], both[1], *self._options)
        return self._opened

    @property
    def _both(self) -> tuple[Database, Database]:
        return self._open()[0]

    @property
    def _databases(self) -> Databases:
        return self._open()[1]

    @property
    def _is_borrowed(self) -> bool:
        return getattr(self._both[0], "is_borrowed", False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent as what it was opened by: connections are made where it arrives, once they are needed."""
        self._opening.check_that_it_can_be_sent()
        return _arrive, (self._opening,)

    def __repr__(self) -> str:
        if self._opened is None:
            return f"<Inventory {self._opening.inventory_table!r}, not opened yet>"
        settings = self._databases.settings
        return f"<Inventory {settings.inventory_table!r} in {settings.inventory_dialect}>"

    def __enter__(self) -> Inventory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes connections that lie idle; they are opened again when they are needed. Whoever waits for batches
        (``batches(…, follow=True)``) waits no longer.

        >>> inventory.close()
        """
        self._is_closed.set()
        self._is_closed = Event()
        self._instances.close()
        if self._opened is not None:
            for database in self._both:
                database.close()

    def _call(self, function: str, *arguments: Any) -> Any:
        return self._instances.call(self._databases, function, arguments)

    # Handing out.

    def acquire(self, request: AcquireRequest, claim_token: str | None = None) -> Batch | Nothing:
        """Hands out the next batch of a job: first what failed or lost its owner, then a new range.

        :param request: what to hand out, and how much of it.
        :param claim_token: a token of the caller's own (unguessable, 1 to 255 bytes). With it the call may be
            repeated after any failure, by another process too, and gives the same batch again once it has
            succeeded.
        :returns: a batch, which is true, or :class:`Nothing`, which is false and says why.

        >>> if batch := inventory.acquire(request):
        ...     batch.process(len)
        10
        """
        return self.advance(None, request, claim_token)

    def advance(
        self,
        done: Completion | None,
        request: AcquireRequest,
        claim_token: str | None = None,
        items: int = FIRST_ITEMS,
    ) -> Batch | Nothing:
        """Ends a batch, where one is given, and hands out the next: where inventory and meta table are in one
        database, with fewer round trips than by :meth:`complete`, :meth:`acquire` and :meth:`items`.
        :meth:`batches` does so for loops.

        Nothing is handed out unless the batch has ended. The error may be that of the end or of the claim; the
        call may be repeated as a whole where it was given a claim token.

        :param done: the batch that is over, or ``None``.
        :param request: what to hand out, and how much of it.
        :param claim_token: as in :meth:`acquire`.
        :param items: how many of the next batch's items come with it, at most 10,000.

        >>> done = Completion(batch.claim_token, Outcome(True, {"lines": 7}))
        >>> inventory.advance(done, request)
        <Batch 2 of 'count' on 'files': ids 11 to 20, 10 items, running>
        """
        acquired = self._advance(done, request, claim_token, items)
        if isinstance(acquired, BatchintoryError):
            raise acquired
        return acquired

    def _end_and_acquire(self, done: Completion, request: AcquireRequest) -> Batch | Nothing | BatchintoryError:
        """Raises the error of the end, and gives that of the claim."""
        return self._advance(done, request, None, FIRST_ITEMS)

    def _advance(
        self, done: Completion | None, request: AcquireRequest, claim_token: str | None, items: int
    ) -> Batch | Nothing | BatchintoryError:
        advanced, since = self._claim("advance", done, request, claim_token, items)
        if done is not None:
            self._was_ended(done.claim_token)
        outcome, acquired = advanced.next
        if outcome == "err":
            return planner_error(acquired)
        kind, answer = acquired.acquisition
        return self._batch(answer, request, since, acquired.items) if kind == "batch" else answer

    def acquire_many(self, request: AcquireRequest, batches: int, claim_token: str | None = None) -> list[Batch]:
        """Hands out several batches that follow each other, all or none; fewer where less is left, and one that is
        handed out again comes alone.

        :param request: what to hand out, and how much of it in each batch.
        :param batches: the most of them, 1 to 1,000.
        :param claim_token: a token of the caller's own for the first; the second batch's is that with ``/2``
            behind it, and so on.

        >>> [batch.id_range.id_min for batch in inventory.acquire_many(request, 3)]
        [11, 21, 31]
        """
        found, since = self._claim("acquire-many", request, batches, claim_token)
        return [self._batch(record, request, since) for record in found]

    def _claim(self, function: str, *arguments: Any) -> tuple[Any, float]:
        """What a call gives, and when its turn among those that claim came: leases count from then on."""
        with self._claims.call() as turn:
            return self._instances.call(self._databases, function, arguments, turn), turn.since

    def _batch(
        self, record: BatchRecord, request: AcquireRequest, since: float, items: list[Item] | None = None
    ) -> Batch:
        lease = None if request.lease_seconds is None else Lease(seconds(request.lease_seconds), since)
        return Batch(self, record, lease, items)

    def batch(self, claim_token: str) -> Batch:
        """The running batch with a claim token, for whoever goes on with it: another process, say, that was given
        the token. Changes nothing; its lease goes on as it is.

        :param claim_token: the batch's; :meth:`Batch.hand_over` gives it.
        :raises Superseded: where it has ended, or was taken from its owner.
        :raises NoSuchBatch: where there is none.

        >>> token = batch.hand_over()
        >>> inventory.batch(token).process(len)
        10
        """
        record, lease = self._find(claim_token)
        return Batch(self, record, lease)

    def _find(self, claim_token: str) -> tuple[BatchRecord, Lease | None]:
        asked = monotonic()
        found: RunningBatch = self._call("batch", claim_token)
        if found.lease is None:
            return found.batch, None
        return found.batch, Lease.of_which_is_left(found.lease.seconds, found.lease.left, asked)

    def _was_ended(self, claim_token: str) -> None:
        """Nobody is warned of a batch that was ended by its token."""
        batch = self._held.get(claim_token)
        if batch is not None:
            batch._is_held = False

    def batches(
        self,
        request: AcquireRequest,
        iterations: int | None = None,
        *,
        progress: bool = False,
        follow: bool = False,
        poll: float | timedelta = POLL,
    ) -> Iterator[Batch]:
        """One batch after the other, each claimed when it is asked for. The end of a batch that has succeeded is
        sent with the claim of the next; see :class:`~batchintory.batches.Batches`.

        :param request: what to hand out, and how much of it in each batch.
        :param iterations: the most batches; by default until nothing is left.
        :param progress: a bar shows how far the job is, where tqdm is installed.
        :param follow: waits where nothing is left. The loop ends when :meth:`close` is called, by another thread;
            Ctrl-C interrupts it as it does anything else.
        :param poll: how it waits: it asks again after a random time between half of this and all of it, or sooner
            when the next range has waited long enough or its lease is over.

        >>> for batch in inventory.batches(request, iterations=2):
        ...     with batch:
        ...         print(batch.items[0])
        file-11
        file-21
        """
        batches = Batches(self, request, iterations, span(poll) if follow else None)
        if progress:
            from batchintory.progress_bar import shown

            return shown(batches, request.job, self.progress(request))
        return batches

    @overload
    def process(
        self,
        request: AcquireRequest,
        work: Callable[Concatenate[list[str | None], P], Any],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Processed: ...

    @overload
    def process(
        self,
        request: AcquireRequest,
        work: Callable[[list[str | None]], Any],
        /,
        *,
        follow: bool,
        poll: float | timedelta = POLL,
    ) -> Processed: ...

    # A function whose own arguments have these names gets them otherwise.
    def process(  # type: ignore[misc]
        self,
        request: AcquireRequest,
        work: Callable[..., Any],
        /,
        *args: Any,
        follow: bool = False,
        poll: float | timedelta = POLL,
        **kwargs: Any,
    ) -> Processed:
        """Hands out one batch after the other until nothing is left, and ends each as :meth:`Batch.process` does:
        mostly by the call that claims the next. A failed batch does not keep the next ones back, is logged, and is
        handed out again as the request allows.

        :param request: what to hand out, and how much of it in each batch.
        :param work: called with the items of each batch; what it returns is the batch's result. An ``async def``
            is refused.
        :param args: handed on to it.
        :param kwargs: handed on to it.
        :param follow: goes on as :meth:`batches` does.
        :param poll: waits as :meth:`batches` does.

        >>> inventory.process(request, len).succeeded
        9
        """
        check_work(work)
        return Batches(self, request, None, span(poll) if follow else None).process(
            lambda items: work(items, *args, **kwargs)
        )

    def items(self, claim_token: str, after: int | None = None, limit: int = 5_000) -> Table[Item]:
        """A page of the items of a batch: up to ``limit`` items, or about a MiB of them. An empty page is the end.

        :param claim_token: the batch's.
        :param after: the page begins behind this id.
        :param limit: the most to return, 1 to 10,000.

        >>> inventory.items(batch.claim_token, after=9)
        [Item(uid=10, item='file-10', weight=10.0)]
        """
        return Table(self._call("items", claim_token, after, limit))

    def items_statement(self, claim_token: str) -> PageStatement | None:
        """The statement by which a batch's items are read without the planner, as :attr:`Batch.items` and
        :meth:`Batch.pages` do; ``None`` where only :meth:`items` gives them. What has to be looked at then is said
        in ``wit/inventory.wit``.

        :param claim_token: the batch's.

        >>> inventory.items_statement(batch.claim_token).after
        0
        """
        found: PageStatement | None = self._call("items-statement", claim_token)
        return found

    def _run(self, page: PageStatement, after: int, rows: int) -> Sequence[Sequence[Any]] | None:
        """The rows of a page; ``None`` without an answer."""
        on = ("inventory", "meta").index(page.on)
        kind, answer = self._databases.query(on, page.statement, [*page.parameters, after, rows])
        return answer.rows if kind == "ok" else None

    def heartbeat(self, claim_token: str, lease_seconds: int | timedelta) -> None:
        """A sign of life: the batch's lease now ends ``lease_seconds`` from now.

        :param claim_token: the batch's.
        :param lease_seconds: from now on, 1 to 31,536,000 seconds.

        >>> inventory.heartbeat(batch.claim_token, timedelta(minutes=5))
        """
        self._call("heartbeat", claim_token, lease_seconds)

    def complete(self, claim_token: str, outcome: Outcome, *, connection: Connection | None = None) -> None:
        """Ends a batch; ending it again in the same way is fine and changes nothing.

        :param claim_token: the batch's.
        :param outcome: how it ended.
        :param connection: one of SQLAlchemy to the inventory's database: then the batch ends inside its
            transaction.

        >>> inventory.complete(batch.claim_token, Outcome(False, log="no space left"))
        """
        if connection is None:
            self._call("complete", claim_token, outcome)
        else:
            databases = Databases(self._inside(connection), self._both[1], *self._options, may_repeat=False)
            self._instances.call(databases, "complete", (claim_token, outcome))
        self._was_ended(claim_token)

    def _inside(self, connection: Connection) -> Database:
        """The inventory's database inside a transaction of the program's own."""
        from batchintory.connect import session_of
        from batchintory.driver.borrowed import TransactionDatabase

        return TransactionDatabase(session_of(connection.engine), connection, self._both[0].schema)

    def release(self, claim_token: str, log: str | None = None) -> None:
        """Gives a batch back: its range is handed out again at once, and the attempt does not count towards
        ``max_attempts``. Where the batch was released already, or has failed, nothing changes.

        :param claim_token: the batch's.
        :param log: kept as the batch's log; by default ``released``.

        >>> inventory.release(batch.claim_token, "the node is drained")
        >>> again = inventory.acquire(request)
        >>> again.id_range == batch.id_range, again.attempt
        (True, 2)
        """
        self._call("release", claim_token, log)
        self._was_ended(claim_token)

    # Looking ahead.

    def plan(self, request: AcquireRequest, batches: int = 100, after: int | None = None) -> BatchPlan:
        """The next batches, without claiming them.

        :param request: what to hand out, and how much of it in each batch.
        :param batches: the most of them, 1 to 1,000.
        :param after: as if all ids up to this one were claimed.

        >>> inventory.plan(request, 1).batches
        [PlannedBatch(id_start=11, id_end=20, count=10, weight=100.0, oversized=False)]
        """
        found: BatchPlan = self._call("plan", request, after, batches)
        return found

    def progress(self, request: AcquireRequest, cap: int = CAP) -> JobProgress:
        """What a job has left to do.

        :param request: what the job hands out.
        :param cap: where counting stops, 1 to 100,000,000.

        >>> inventory.progress(request).items
        90
        """
        found: JobProgress = self._call("progress", request, cap)
        return found

    def warnings(self, request: AcquireRequest) -> list[str]:
        """What about a job's source may surprise its user, a sentence each; for the start of a program.

        :param request: what the job hands out.

        >>> print(inventory.warnings(request)[0][:53])
        the meta table "files" was made without AUTOINCREMENT
        """
        found: list[str] = self._call("warnings", request)
        return found

    # Looking back.

    def requeue(self, meta_table: str, job: str, target: RequeueTarget) -> int:
        """Requeues ranges of a job, to be handed out again as a new attempt, whatever became of them.

        :param meta_table: the job's.
        :param job: its name.
        :param target: ``("batch", id)``, ``("ids", [IdRange(…), …])`` or ``("exhausted", None)``.
        :returns: how many.

        >>> batch.succeed()
        >>> inventory.requeue("files", "count", ("ids", [IdRange(1, 5)]))
        1
        """
        found: int = self._call("requeue", meta_table, job, target)
        return found

    def audit(self, meta_table: str, job: str, after: int | None = None, limit: int = 100) -> AuditPage:
        """Counts processed ranges again, and lists those whose rows differ from what was processed.

        :param meta_table: the job's.
        :param job: its name.
        :param after: those behind this id.
        :param limit: the most to return, 1 to 1,000.

        >>> batch.succeed()
        >>> inventory.audit("files", "count")
        AuditPage(ranges=1, audited_to=10, differences=[])
        """
        found: AuditPage = self._call("audit", meta_table, job, after, limit)
        return found

    def jobs(self, query: JobsQuery = JobsQuery()) -> Table[JobSummary]:
        """Jobs, by meta table and name, up to the query's limit. An empty page is the end; see :meth:`all_jobs`.

        :param query: which jobs; by default all.

        >>> [(job.job, job.running) for job in inventory.jobs()]
        [('count', 1)]
        """
        return Table(self._call("jobs", query))

    def all_jobs(self, query: JobsQuery = JobsQuery()) -> Iterator[JobSummary]:
        """Jobs, by meta table and name, one after the other.

        :param query: which jobs; its limit is that of a page.

        >>> [job.watermark for job in inventory.all_jobs(JobsQuery(search="cou"))]
        [10]
        """
        while page := self.jobs(query):
            yield from page
            query = replace(query, after=JobPlace(page[-1].meta_table, page[-1].job))

    def history(self, query: HistoryQuery = HistoryQuery()) -> Table[Attempt]:
        """Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is
        the end.

        :param query: which attempts; by default all.

        >>> batch.fail(ValueError("no such file"))
        >>> inventory.history(HistoryQuery(job="count"))[0].log
        'ValueError: no such file'
        """
        return Table(self._call("history", query))

    # The inventory's table.

    def schema_statements(self, dialect: Dialect) -> list[str]:
        """The statements that make the inventory table, for those who run them themselves.

        :param dialect: ``postgresql``, ``sqlite`` or ``mysql``.

        >>> print(inventory.schema_statements("postgresql")[0][:12])
        CREATE TABLE
        """
        found: list[str] = self._call("schema-statements", dialect)
        return found

    def notifications(self, meta_table: str) -> NotifyChannel | None:
        """The channel on which the meta table's database tells that rows have come, and the statements for it;
        ``None`` where it has no such thing, as SQLite.

        :param meta_table: its name.

        >>> inventory.notifications("files")
        """
        found: NotifyChannel | None = self._call("notifications", meta_table)
        return found

    def migrate(self) -> Migration:
        """Makes the inventory table where it is missing, or upgrades one of pybatchintory. May be called by
        several processes at once, and again at any time.

        >>> inventory.migrate()
        Migration(created=False, upgraded=False)
        """
        found: Migration = self._call("migrate")
        return found

    def _after_fork(self) -> None:
        self._claims = ClaimQueues()
        self._is_closed = Event()
        self._lock = Lock()
        self._instances.after_fork()
        for database in () if self._opened is None else self._both:
            after_fork = getattr(database, "after_fork", None)
            if after_fork is not None:
                after_fork()


def _arrive(opening: Opening) -> Inventory:
    """An inventory that was sent to this process."""

    def make() -> Inventory:
        inventory = Inventory.__new__(Inventory)
        inventory._begin(opening)
        return inventory

    return arrived.get(opening, make)


_alive: weakref.WeakSet[Inventory] = weakref.WeakSet()


def _after_fork() -> None:
    for inventory in list(_alive):
        inventory._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
