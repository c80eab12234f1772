"""The records that callers send and receive.

They mirror the interface ``inventory`` of ``wit/inventory.wit``, field by field and in its order, which
says what each field means, its unit and its range. :func:`to_json` gives their JSON form.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Union

from batchintory.json_text import plain_json, write
from batchintory.table import Table, html

__all__ = [
    "AcquireRequest",
    "Attempt",
    "AuditPage",
    "BatchPlan",
    "BatchRecord",
    "Completion",
    "Condition",
    "Dialect",
    "Difference",
    "HistoryQuery",
    "IdRange",
    "Item",
    "JobProgress",
    "JobSummary",
    "MetaColumns",
    "Migration",
    "Nothing",
    "NothingReason",
    "OnChange",
    "Outcome",
    "PageStatement",
    "PlannedBatch",
    "Queue",
    "RequeueTarget",
    "Settle",
    "StatusLabels",
    "to_json",
]

#: A condition on the rows of a meta table, such as ``{"column": "kind", "op": "=", "value": "csv"}``.
Condition = dict[str, Any]
#: How to tell that no row will appear below one that is there already.
Settle = Literal["none", "commit-order"]
#: What to do when a job's configuration differs from that of its latest range.
OnChange = Literal["refuse", "accept"]
#: How items are given.
ItemEncoding = Literal["text", "base64", "hex"]
#: Where an attempt waits for what comes next.
Queue = Literal["running", "retry", "requeued", "exhausted"]
#: Why nothing was handed out.
NothingReason = Literal["caught-up", "bounds-done", "held"]
#: The SQL dialect of a database.
Dialect = Literal["postgresql", "sqlite", "mysql"]


@dataclass(frozen=True, slots=True)
class MetaColumns:
    """The columns of a meta table that matter here.

    :param uid: the unique, increasing integer id.
    :param item: what to process.
    :param weight: how heavy an item is; ``None`` where items have no weight.

    >>> AcquireRequest("objects", "count", columns=MetaColumns("id", "key", weight=None)).columns.item
    'key'
    """

    uid: str = "uid"
    item: str = "item"
    weight: str | None = "weight"


@dataclass(frozen=True, slots=True)
class AcquireRequest:
    """What to hand out next, and how much of it.

    :param meta_table: the meta table, as ``table`` or ``schema.table``.
    :param job: its name: what is handed out "once" refers to it.
    :param job_identifier: tells runs of one job apart; only kept.
    :param source_job: the results of this job on the meta table are the items.
    :param columns: what the meta table's columns are called.
    :param id_min: the lowest id to hand out.
    :param id_max: the highest id to hand out.
    :param max_weight: the most that a batch may weigh. A heavier item is handed out alone.
    :param max_count: the most items in a batch.
    :param filter: which rows belong to the job, as a condition; others are passed over for good.
    :param hold: which rows are not ready yet: planning stops before the first of them.
    :param settle: ``commit-order`` waits for transactions that may insert a lower id.
    :param max_attempts: how often a range is handed out until it succeeds.
    :param retry_delay_seconds: how long a range waits after its first failure before the next attempt, and
        longer after each further one.
    :param lease_seconds: how long a batch may run without a sign of life. ``None``: no lease.
    :param on_change: ``accept`` goes on with other columns, another filter or hold than the job's latest range
        has.
    :param item_encoding: how items are given; ``base64`` and ``hex`` are for those that are no text.

    Numbers may be of any library, points in time in conditions :class:`~datetime.datetime`, and spans of time
    :class:`~datetime.timedelta`.

    >>> AcquireRequest("files", "count", max_count=10, lease_seconds=timedelta(minutes=5)).max_attempts
    3
    """

    meta_table: str
    job: str
    job_identifier: str | None = None
    source_job: str | None = None
    columns: MetaColumns = MetaColumns()
    id_min: int | None = None
    id_max: int | None = None
    max_weight: float | None = None
    max_count: int | None = None
    filter: Condition | None = None
    hold: Condition | None = None
    settle: Settle = "none"
    max_attempts: int = 3
    retry_delay_seconds: int | timedelta | None = None
    lease_seconds: int | timedelta | None = None
    on_change: OnChange = "refuse"
    item_encoding: ItemEncoding = "text"


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch that was handed out: one attempt at one range of ids."""

    id: int
    claim_token: str
    meta_table: str
    job: str
    job_identifier: str | None
    attempt: int
    id_start: int
    id_end: int
    count: int
    weight: float
    oversized: bool
    over_limit: bool
    passed_over_from: int | None
    processing_start: str


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A batch's lease: how long it goes on from each sign of life, and how much of it is left, in seconds."""

    seconds: int
    left: int


@dataclass(frozen=True, slots=True)
class RunningBatch:
    """A batch that runs, as it is found by its claim token."""

    batch: BatchRecord
    lease: LeaseRecord | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing was handed out; false where a truth value is asked for.

    :param reason: why: ``caught-up`` with the meta table, ``bounds-done``, or ``held``.
    :param watermark: the highest id that the job has claimed so far.
    :param scanned_to: the highest id that the filter passed over in this call.
    :param held: the first id that is held.
    :param due_in_seconds: in how many seconds, 1 or more, the next range may be handed out again that waits after
        a failure, or runs under a lease. ``None`` where no range waits for its time.

    >>> nothing = inventory.acquire(AcquireRequest("files", "count", id_min=101, max_count=10))
    >>> bool(nothing), nothing.reason, nothing.watermark
    (False, 'caught-up', 10)
    """

    reason: NothingReason
    watermark: int | None
    scanned_to: int | None
    held: int | None
    due_in_seconds: int | None

    def __bool__(self) -> Literal[False]:
        return False


@dataclass(frozen=True, slots=True)
class NotifyChannel:
    """How a meta table in PostgreSQL tells that rows have come.

    :param name: of the channel, for LISTEN, where it is to be quoted.
    :param statements: have the table notify the channel after each INSERT: for its owner, in this order.

    >>> inventory.notifications("files") is None  # not in SQLite
    True
    """

    name: str
    statements: list[str]


class Item(NamedTuple):
    """One item of a batch. A tuple, since there are many.

    :param uid: its id.
    :param item: what to process.
    :param weight: how heavy it is.

    >>> uid, path, weight = batch.records[0]
    >>> uid, path, batch.records[0].weight
    (1, 'file-1', 10.0)
    """

    uid: int
    item: str | None
    weight: float


@dataclass(frozen=True, slots=True)
class PageStatement:
    """How a batch's items are read without the planner.

    :param on: the database that the statement is for.
    :param statement: selects id, item and weight, in the order of ids.
    :param parameters: its parameters but for the last two: the id behind which a page begins, and how many rows it
        has at most.
    :param after: the id behind which the first page begins.

    >>> page = inventory.items_statement(batch.claim_token)
    >>> page.on, page.after
    ('meta', 0)
    """

    on: Literal["inventory", "meta"]
    statement: str
    parameters: list[bool | int | float | str | None]
    after: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch ended.

    :param succeeded: whether all of it was processed.
    :param result_item: what came of it, as JSON can hold it.
    :param log: an error message, or the end of a log.

    >>> Outcome(False, log="no space left").succeeded
    False
    """

    succeeded: bool
    result_item: Any = None
    log: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A batch that is over.

    :param claim_token: the batch's.
    :param outcome: how it ended.

    >>> Completion(batch.claim_token, Outcome(True)).outcome.succeeded
    True
    """

    claim_token: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Acquired:
    """A batch with its first items, or nothing."""

    acquisition: Any
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Advanced:
    """What ``advance`` did: the batch has ended as asked, where one was given."""

    #: ``("ok", Acquired)``, or ``("err", …)``.
    next: Any


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch as ``plan`` foresees it.

    :param id_start: the id of the first item.
    :param id_end: the id of the last item.
    :param count: how many items it has.
    :param weight: what they weigh together.
    :param oversized: whether it is a single item that alone is heavier than is asked for.

    >>> inventory.plan(request).batches[0]
    PlannedBatch(id_start=11, id_end=20, count=10, weight=100.0, oversized=False)
    """

    id_start: int
    id_end: int
    count: int
    weight: float
    oversized: bool


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The next batches, without claiming them. Notebooks show it as a table.

    :param batches: in order; fewer than asked for where nothing more is left.
    :param complete: whether nothing is left behind them, or nothing that is ready.
    :param held: the first id that is held, where the plan ends before one.

    >>> plan = inventory.plan(request, 3)
    >>> len(plan.batches), plan.complete
    (3, False)
    """

    batches: list[PlannedBatch]
    complete: bool
    held: int | None

    def _repr_html_(self) -> str:
        return html(self.batches)

    def to_pandas(self) -> Any:
        """The batches as a ``DataFrame``, where pandas is installed.

        >>> inventory.plan(request).to_pandas()["weight"].max()  # doctest: +SKIP
        100.0
        """
        return Table(self.batches).to_pandas()

    def to_polars(self) -> Any:
        """The batches as a ``DataFrame`` of polars, where polars is installed.

        >>> inventory.plan(request).to_polars()["weight"].max()  # doctest: +SKIP
        100.0
        """
        return Table(self.batches).to_polars()

    def to_arrow(self) -> Any:
        """The batches as a ``Table`` of Arrow, where pyarrow is installed.

        >>> inventory.plan(request).to_arrow().num_rows  # doctest: +SKIP
        10
        """
        return Table(self.batches).to_arrow()


@dataclass(frozen=True, slots=True)
class JobProgress:
    """What a job has left to do, counted up to a cap.

    :param watermark: the highest id that the job has claimed so far.
    :param items: how many are left, at most the cap.
    :param weight: what they weigh.
    :param at_least: whether the cap ended the count.
    :param estimated_items: a guess at all that is left, before any filter, where the cap ended the count.
    :param last_id: the highest id that is left; where the cap ended the count, the table's.
    :param watermark_above_table: whether the table's ids have begun anew, as after a TRUNCATE: rows with ids up to
        the watermark are never handed out.
    :param other_meta_database: whether the meta table lies in another database than at the job's latest range.
    :param items_per_hour: how many items the job gets done in an hour, by its latest hundred attempts.
    :param weight_per_hour: what those items weigh.
    :param seconds_left: in how many seconds the job will be done at that pace: 0 where it is done, ``None`` where
        that is not known.

    >>> progress = inventory.progress(request)
    >>> progress.watermark, progress.items, progress.weight
    (10, 90, 900.0)
    """

    watermark: int | None
    items: int
    weight: float
    at_least: bool
    estimated_items: int | None
    last_id: int | None
    watermark_above_table: bool
    other_meta_database: bool
    items_per_hour: float | None
    weight_per_hour: float | None
    seconds_left: int | None


@dataclass(frozen=True, slots=True)
class JobPlace:
    """A job, as callers are told it.

    :param meta_table: the meta table's normalised name.
    :param job: the job's name.

    >>> inventory.jobs(JobsQuery(after=JobPlace("files", "count")))
    []
    """

    meta_table: str
    job: str


@dataclass(frozen=True, slots=True)
class JobsQuery:
    """Which jobs to list. Conditions that are given all hold.

    :param meta_table: only of this meta table.
    :param job: only jobs of this name.
    :param search: only jobs whose names hold this text.
    :param after: only jobs behind this one.
    :param limit: the most to return, 1 to 100.

    >>> len(inventory.jobs(JobsQuery(job="count", limit=1)))
    1
    """

    meta_table: str | None = None
    job: str | None = None
    search: str | None = None
    after: JobPlace | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job's ranges, summed up: each runs, waits, is exhausted, or has succeeded.

    :param meta_table: the meta table's normalised name.
    :param job: the job's name.
    :param watermark: the highest id that the job has claimed so far.
    :param running: ranges that run.
    :param succeeded: ranges whose latest attempt has succeeded, and that were not requeued since.
    :param failed: attempts that failed, ever.
    :param waiting: ranges that wait to be handed out again.
    :param exhausted: ranges that failed as often as is allowed.
    :param items: how many items the ranges have that succeeded.
    :param weight: what those items weigh.
    :param latest_start: when the highest range was handed out, or, if that is later, one that runs, waits or is
        exhausted.
    :param request: by which the job claims.

    >>> job = inventory.jobs()[0]
    >>> job.job, job.running, job.watermark
    ('count', 1, 10)
    """

    meta_table: str
    job: str
    watermark: int
    running: int
    succeeded: int
    failed: int
    waiting: int
    exhausted: int
    items: int
    weight: float
    latest_start: str
    request: AcquireRequest | None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which attempts to list. Conditions that are given all hold.

    :param meta_table: only on this meta table.
    :param job: only of this job.
    :param uid: only those that had this item; names a meta table besides.
    :param queue: only those that wait so: ``running``, ``retry``, ``requeued`` or ``exhausted``.
    :param before: only those with lower inventory ids: that of the last one continues a page.
    :param limit: the most to return, 1 to 1,000.
    :param details: with results and logs.
    :param claim_tokens: with the claim tokens of attempts that run; keep them out of logs, since they end batches.

    >>> [attempt.id_end for attempt in inventory.history(HistoryQuery(meta_table="files", uid=3))]
    [10]
    """

    meta_table: str | None = None
    job: str | None = None
    uid: int | None = None
    queue: Queue | None = None
    before: int | None = None
    limit: int = 100
    details: bool = True
    claim_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: a row of the inventory. Points in time are RFC 3339 in UTC.

    :param id: the row's id in the inventory, which is the batch's.
    :param meta_table: the meta table's normalised name.
    :param job: the job's name.
    :param job_identifier: as in the request.
    :param attempt: 1 for a new range.
    :param status: ``running``, ``succeeded``, ``failed``, or the word configured for it.
    :param id_start: the id of the first item.
    :param id_end: the id of the last item.
    :param count: how many items it has.
    :param weight: what they weigh together.
    :param processing_start: when it was handed out.
    :param processing_end: when it ended.
    :param lease_expires: until when it may go without a sign of life, where it has a lease.
    :param claim_token: its claim token, where it runs and the query asks for it.
    :param result_item: what came of it; ``None`` without details.
    :param log: its error message or log; ``None`` without details.
    :param queue: where it waits for what comes next; ``None`` where nothing will.
    :param passed_over: whether the query's ``uid`` lies in the range, but does not pass the filter: the item was
        passed over, not processed.

    >>> attempt = inventory.history()[0]
    >>> attempt.status, attempt.queue, attempt.id_end
    ('running', 'running', 10)
    """

    id: int
    meta_table: str
    job: str
    job_identifier: str | None
    attempt: int
    status: str
    id_start: int
    id_end: int
    count: int
    weight: float
    processing_start: str
    processing_end: str | None
    lease_expires: str | None
    claim_token: str | None
    result_item: Any
    log: str | None
    queue: Queue | None
    passed_over: bool


@dataclass(frozen=True, slots=True)
class IdRange:
    """Ids of a meta table, both inclusive.

    :param id_start: the lowest.
    :param id_end: the highest.

    >>> inventory.requeue("files", "count", ("ids", [IdRange(1, 100)]))
    1
    """

    id_start: int
    id_end: int


#: What to hand out again: the range of the batch with an id, all ranges that share an id with one of these, or all
#: that are exhausted.
RequeueTarget = Union[
    tuple[Literal["batch"], int],
    tuple[Literal["ids"], list[IdRange]],
    tuple[Literal["exhausted"], None],
]


@dataclass(frozen=True, slots=True)
class Difference:
    """A processed range whose rows differ from what was processed.

    :param batch_id: the id of the batch that succeeded; :meth:`Inventory.requeue` takes it.
    :param id_start: the id of the first item, then.
    :param id_end: the id of the last item, then.
    :param count: how many items were processed.
    :param weight: what they weighed.
    :param count_now: how many there are now.
    :param weight_now: what they weigh now.

    >>> late = Difference(7, 1, 10, count=9, weight=90.0, count_now=10, weight_now=100.0)
    >>> late.count_now - late.count
    1
    """

    batch_id: int
    id_start: int
    id_end: int
    count: int
    weight: float
    count_now: int
    weight_now: float


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A part of an audit; no ranges are the end.

    :param ranges: how many were counted again.
    :param audited_to: the last id of the last one: the next page is behind it.
    :param differences: those that differ.

    >>> batch.succeed()
    >>> inventory.audit("files", "count")
    AuditPage(ranges=1, audited_to=10, differences=[])
    """

    ranges: int
    audited_to: int | None
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Migration:
    """What ``migrate`` did.

    :param created: whether it made the inventory's table.
    :param upgraded: whether it was a table of pybatchintory, and was upgraded. Its rows are kept.

    >>> inventory.migrate().created  # it was there
    False
    """

    created: bool
    upgraded: bool


@dataclass(frozen=True, slots=True)
class StatusLabels:
    """The words of the inventory's ``status`` column.

    :param running: of a batch that runs.
    :param succeeded: of one that has succeeded.
    :param failed: of one that has failed.

    >>> Inventory("sqlite:lake.sqlite", status_labels=StatusLabels(succeeded="done"))
    <Inventory 'inventory' in sqlite>
    """

    running: str = "running"
    succeeded: str = "succeeded"
    failed: str = "failed"


def to_json(record: Any) -> str:
    """A record, or a list of records, in the JSON form that all of batchintory's programs share.

    :param record: what to write.

    >>> to_json(IdRange(1, 5))
    '{"id_start":1,"id_end":5}'
    """

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: _with_names(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return plain_json(value)

    return write(_with_names(record), plain)


def _with_names(value: Any) -> Any:
    """Items by the names of their fields: JSON takes a tuple for a list."""
    if isinstance(value, Item):
        return value._asdict()
    if isinstance(value, list):
        return [_with_names(element) for element in value]
    if isinstance(value, dict):
        return {name: _with_names(element) for name, element in value.items()}
    return value
