"""The inventory: every operation of the planner."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, overload

from batchintory.batch import Batch
from batchintory.batches import Batches, Processed
from batchintory.claim_queue import ClaimQueues
from batchintory.connect import connect
from batchintory.database import Databases
from batchintory.errors import BatchintoryError, planner_error
from batchintory.lease import Lease
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
    StatusLabels,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from batchintory.connect import Source

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

        Without ``meta`` the meta tables lie in the inventory's database. ``inventory_table`` may be
        ``schema.table``. ``meta_schema`` is the schema of meta tables that are named without one. ``meta_name``
        is the name of the source that the meta tables' database is, where several share the inventory: it keeps
        tables of one name apart.
        """
        first = connect(inventory)
        try:
            second = first if meta is None else connect(meta, "read-only")
        except BaseException:
            first.close()
            raise
        self._both = (first, second)
        self._is_borrowed = getattr(first, "is_borrowed", False)
        self._options = (inventory_table, meta_schema, status_labels, meta_name)
        self._databases = Databases(first, second, *self._options)
        self._instances = InstancePool(limits)
        self._claims = ClaimQueues()
        #: Of those that wait for batches from now on.
        self._is_closed = Event()
        _alive.add(self)

    def __repr__(self) -> str:
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
        (``batches(…, follow=True)``) waits no longer."""
        self._is_closed.set()
        self._is_closed = Event()
        self._instances.close()
        for database in self._both:
            database.close()

    def _call(self, function: str, *arguments: Any) -> Any:
        return self._instances.call(self._databases, function, arguments)

    # Handing out.

    def acquire(self, request: AcquireRequest, claim_token: str | None = None) -> Batch | Nothing:
        """Hands out the next batch of a job: first what failed or lost its owner, then a new range.

        What it gives is true for a batch and false for nothing. With a claim token of the caller's own
        (unguessable, 1 to 255 bytes) the call may be repeated after any failure, by another process too, and
        gives the same batch again once it has succeeded.
        """
        return self.advance(None, request, claim_token)

    def advance(
        self,
        done: Completion | None,
        request: AcquireRequest,
        claim_token: str | None = None,
        items: int = FIRST_ITEMS,
    ) -> Batch | Nothing:
        """Ends a batch, where one is given, and hands out the next with up to ``items`` (at most 10,000) of its
        items: where inventory and meta table are in one database, with fewer round trips than by :meth:`complete`,
        :meth:`acquire` and :meth:`items`. :meth:`batches` does so for loops.

        Nothing is handed out unless the batch has ended. The error may be that of the end or of the claim; the
        call may be repeated as a whole where it was given a claim token.
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
        outcome, acquired = advanced.next
        if outcome == "err":
            return planner_error(acquired)
        kind, answer = acquired.acquisition
        return self._batch(answer, request, since, acquired.items) if kind == "batch" else answer

    def acquire_many(self, request: AcquireRequest, batches: int, claim_token: str | None = None) -> list[Batch]:
        """Hands out up to so many (1 to 1,000) batches that follow each other, all or none; fewer where less is
        left, and one that is handed out again comes alone. With a claim token of the caller's own, the second
        batch's is that with ``/2`` behind it, and so on."""
        found, since = self._claim("acquire-many", request, batches, claim_token)
        return [self._batch(record, request, since) for record in found]

    def _claim(self, function: str, *arguments: Any) -> tuple[Any, float]:
        """What a call gives, and when its turn among those that claim came: leases count from then on."""
        with self._claims.call() as turn:
            return self._instances.call(self._databases, function, arguments, turn), turn.since

    def _batch(
        self, record: BatchRecord, request: AcquireRequest, since: float, items: list[Item] | None = None
    ) -> Batch:
        seconds = request.lease_seconds
        return Batch(self, record, None if seconds is None else Lease(seconds, since), items)

    def batches(
        self,
        request: AcquireRequest,
        iterations: int | None = None,
        *,
        progress: bool = False,
        follow: bool = False,
        poll: float = POLL,
    ) -> Iterator[Batch]:
        """One batch after the other, each claimed when it is asked for, until nothing is left or so many were
        handed out. With ``progress`` a bar shows how far the job is, where tqdm is installed. The end of a batch
        that has succeeded is sent with the claim of the next; see :class:`~batchintory.batches.Batches`.

        With ``follow`` it waits where nothing is left, and asks again after half of ``poll`` seconds to all of
        them, by chance, or sooner when the next range has rested or its lease is over. It ends when
        :meth:`close` is called, by another thread; Ctrl-C interrupts it as it does anything else."""
        batches = Batches(self, request, iterations, poll if follow else None)
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
        poll: float = POLL,
    ) -> Processed: ...

    # A function whose own arguments have these names gets them otherwise.
    def process(  # type: ignore[misc]
        self,
        request: AcquireRequest,
        work: Callable[..., Any],
        /,
        *args: Any,
        follow: bool = False,
        poll: float = POLL,
        **kwargs: Any,
    ) -> Processed:
        """Hands out one batch after the other until nothing is left, and ends each as :meth:`Batch.process` does:
        mostly by the call that claims the next. With ``follow`` it goes on as :meth:`batches` does.

        A failed batch does not keep the next ones back, and is handed out again as the request allows.
        """
        return Batches(self, request, None, poll if follow else None).process(
            lambda items: work(items, *args, **kwargs)
        )

    def items(self, claim_token: str, after: int | None = None, limit: int = 5_000) -> list[Item]:
        """A page of the items of a batch: up to ``limit`` (1 to 10,000) items with ids above ``after``, or about a
        MiB of them. An empty page is the end."""
        found: list[Item] = self._call("items", claim_token, after, limit)
        return found

    def items_statement(self, claim_token: str) -> PageStatement | None:
        """The statement by which a batch's items are read without the planner, as :attr:`Batch.items` and
        :meth:`Batch.pages` do; ``None`` where only :meth:`items` gives them. What has to be looked at then is said
        in ``wit/inventory.wit``."""
        found: PageStatement | None = self._call("items-statement", claim_token)
        return found

    def _run(self, page: PageStatement, after: int, rows: int) -> Sequence[Sequence[Any]] | None:
        """The rows of a page; ``None`` without an answer."""
        on = ("inventory", "meta").index(page.on)
        kind, answer = self._databases.query(on, page.statement, [*page.parameters, after, rows])
        return answer.rows if kind == "ok" else None

    def heartbeat(self, claim_token: str, lease_seconds: int) -> None:
        """A sign of life: the batch's lease now ends so many seconds (1 to 31,536,000) from now."""
        self._call("heartbeat", claim_token, lease_seconds)

    def complete(self, claim_token: str, outcome: Outcome, *, connection: Connection | None = None) -> None:
        """Ends a batch; ending it again in the same way is fine and changes nothing. With a connection of
        SQLAlchemy to the inventory's database, inside its transaction."""
        if connection is None:
            self._call("complete", claim_token, outcome)
            return
        from batchintory.connect import session_of
        from batchintory.driver.borrowed import TransactionDatabase

        session = session_of(connection.engine)
        inside = TransactionDatabase(session, connection, self._both[0].schema)
        databases = Databases(inside, self._both[1], *self._options, may_repeat=False)
        self._instances.call(databases, "complete", (claim_token, outcome))

    # Looking ahead.

    def plan(self, request: AcquireRequest, batches: int = 100, after: int | None = None) -> BatchPlan:
        """The next ``batches`` (1 to 1,000) batches without claiming them, as if all ids up to ``after`` were
        claimed."""
        found: BatchPlan = self._call("plan", request, after, batches)
        return found

    def progress(self, request: AcquireRequest, cap: int = CAP) -> JobProgress:
        """What a job has left to do, counted up to ``cap`` (1 to 100,000,000) items."""
        found: JobProgress = self._call("progress", request, cap)
        return found

    def warnings(self, request: AcquireRequest) -> list[str]:
        """What about a job's source may surprise its user, a sentence each; for the start of a program."""
        found: list[str] = self._call("warnings", request)
        return found

    # Looking back.

    def requeue(self, meta_table: str, job: str, target: RequeueTarget) -> int:
        """Requeues ranges of a job, to be handed out again as a new attempt, whatever became of them:
        ``("batch", id)``, ``("ids", [IdRange(…), …])`` or ``("exhausted", None)``. Gives back how many."""
        found: int = self._call("requeue", meta_table, job, target)
        return found

    def audit(self, meta_table: str, job: str, after: int | None = None, limit: int = 100) -> AuditPage:
        """Counts up to ``limit`` (1 to 1,000) processed ranges behind the id ``after`` again, and lists those
        whose rows differ from what was processed."""
        found: AuditPage = self._call("audit", meta_table, job, after, limit)
        return found

    def jobs(self, query: JobsQuery = JobsQuery()) -> list[JobSummary]:
        """Jobs, by meta table and name, up to the query's limit. An empty page is the end; see `all_jobs`."""
        found: list[JobSummary] = self._call("jobs", query)
        return found

    def all_jobs(self, query: JobsQuery = JobsQuery()) -> Iterator[JobSummary]:
        """Jobs, by meta table and name, one after the other; the query's limit is that of a page."""
        while page := self.jobs(query):
            yield from page
            query = replace(query, after=JobPlace(page[-1].meta_table, page[-1].job))

    def history(self, query: HistoryQuery = HistoryQuery()) -> list[Attempt]:
        """Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is
        the end."""
        found: list[Attempt] = self._call("history", query)
        return found

    # The inventory's table.

    def schema_statements(self, dialect: Dialect) -> list[str]:
        """The statements that make the inventory table in a dialect, for those who run them themselves."""
        found: list[str] = self._call("schema-statements", dialect)
        return found

    def notifications(self, meta_table: str) -> NotifyChannel | None:
        """The channel on which the meta table's database tells that rows have come, and the statements for it;
        none where it has no such thing."""
        found: NotifyChannel | None = self._call("notifications", meta_table)
        return found

    def migrate(self) -> Migration:
        """Makes the inventory table where it is missing, or upgrades one of pybatchintory. May be called by
        several processes at once, and again at any time."""
        found: Migration = self._call("migrate")
        return found

    def _after_fork(self) -> None:
        self._claims = ClaimQueues()
        self._is_closed = Event()
        self._instances.after_fork()
        for database in self._both:
            after_fork = getattr(database, "after_fork", None)
            if after_fork is not None:
                after_fork()


_alive: weakref.WeakSet[Inventory] = weakref.WeakSet()


def _after_fork() -> None:
    for inventory in list(_alive):
        inventory._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
