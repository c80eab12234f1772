"""What the commands do: a function each, by its name."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchintory import settings
from batchintory.command_line.output import excerpt, number, print_list, print_table, tell
from batchintory.connect import url_of
from batchintory.database_url import Fault, SqliteUrl
from batchintory.errors import BatchintoryError, ConnectError
from batchintory.inventory import Inventory
from batchintory.records import Attempt, HistoryQuery, JobProgress, JobsQuery, JobSummary, RequeueTarget, to_json
from batchintory.url_engine import is_in_memory

#: Where the inventory is unless it is said.
DEFAULT = "sqlite:batchintory.sqlite"

#: What is said of an attempt's status beside it.
_WAITS = {"retry": ", to be retried", "requeued": ", requeued", "exhausted": ", exhausted"}


def migrate(given: Namespace) -> None:
    """Makes the inventory table where it is missing, or upgrades one of pybatchintory."""
    with _inventory(given, create=True) as inventory:
        done = inventory.migrate()
    if given.json:
        print(to_json(done))
    elif done.created:
        tell("created the inventory")
    elif done.upgraded:
        tell("upgraded the inventory of pybatchintory; `history --queue exhausted` lists what failed")


def status(given: Namespace) -> None:
    """Shows the jobs, with what remains of each."""
    query = JobsQuery(meta_table=given.meta_table, job=given.job, search=given.search)
    with _inventory(given) as inventory:
        jobs = ((job, *_remaining(inventory, job, given.cap)) for job in inventory.all_jobs(query))
        if given.json:
            print_list(_document(*each) for each in jobs)
            return
        shown = list(jobs)
    if not shown:
        is_for_all = (given.meta_table, given.job, given.search) == (None, None, None)
        tell("no batches yet" if is_for_all else "no such job")
        return
    headings = "JOB,META TABLE,BATCHES,ITEMS,WEIGHT,RUNNING,FAILED,WAITING,EXHAUSTED,WATERMARK,REMAINING,LATEST"
    print_table(headings.split(","), range(2, 11), [_row_of_job(job, left) for job, left, _ in shown])
    for job, _, error in shown:
        if error is not None:
            tell(f"warning: what remains of the job {job.job!r} is not known: {error}")


def history(given: Namespace) -> None:
    """Shows attempts, latest first."""
    query = HistoryQuery(given.meta_table, given.job, given.uid, given.queue, given.before)
    with _inventory(given) as inventory:
        attempts = _attempts(inventory, query, given.limit)
        if given.json:
            print_list(attempts)
            return
        rows = [_row_of_attempt(attempt) for attempt in attempts]
    if not rows:
        tell("no attempts")
        return
    headings = "ID,JOB,IDENTIFIER,ATTEMPT,STATUS,IDS,ITEMS,WEIGHT,START,END,RESULT"
    print_table(headings.split(","), (0, 3, 6, 7), rows)


def requeue(given: Namespace) -> None:
    """Has ranges handed out again."""
    target: RequeueTarget = ("exhausted", None)
    if given.batch is not None:
        target = ("batch", given.batch)
    elif given.ids is not None:
        target = ("ids", given.ids)
    with _inventory(given) as inventory:
        ranges = inventory.requeue(given.meta_table, given.job, target)
    if given.json:
        print(to_json({"ranges": ranges}))
    else:
        tell("1 range was requeued" if ranges == 1 else f"{number(ranges)} ranges were requeued")


def _inventory(given: Namespace, create: bool = False) -> Inventory:
    """The inventory that options, environment and dot-env file name."""
    options = {
        "INVENTORY_CONN": given.inventory,
        "INVENTORY_TABLE_NAME": given.inventory_table,
        "INVENTORY_CONN_SCHEMA": given.inventory_schema,
        "META_CONN": given.meta,
        "META_CONN_SCHEMA": given.meta_schema,
        "META_NAME": given.meta_name,
    }
    found = settings.load(given.env_file, {name: value for name, value in options.items() if value is not None})
    url = found.inventory_conn or DEFAULT
    if not create:
        _check_that_it_is_there(url)
    return Inventory(
        url,
        found.meta_conn,
        meta_schema=found.meta_conn_schema,
        meta_name=found.meta_name,
        inventory_table=found.inventory_table,
        status_labels=found.inventory_status_enums,
    )


def _check_that_it_is_there(url: str) -> None:
    """Who only looks makes no file."""
    try:
        place = url_of(url)
    except Fault:
        return  # Opening it says so.
    if not isinstance(place, SqliteUrl) or is_in_memory(place) or place.path.startswith("file:"):
        return
    if not Path(place.path).exists():
        raise ConnectError(
            f"there is no file {place.path}: run `batchintory migrate` once to create the inventory, or name "
            "another database by --inventory"
        )


def _remaining(inventory: Inventory, job: JobSummary, cap: int) -> tuple[JobProgress | None, str | None]:
    """What remains of a job, or why that is not known: a meta table that is gone must not hide other jobs."""
    if job.request is None:
        return None, "the job's configuration is not understood"
    try:
        return inventory.progress(job.request, cap), None
    except BatchintoryError as error:
        return None, str(error)


def _document(job: JobSummary, remaining: JobProgress | None, error: str | None) -> dict[str, Any]:
    fields = {name: getattr(job, name) for name in JobSummary.__dataclass_fields__}
    return {**fields, "remaining": remaining, "remaining_error": error}


def _row_of_job(job: JobSummary, left: JobProgress | None) -> list[str]:
    remaining = "?" if left is None else ("≥ " if left.at_least else "") + number(left.items)
    counts = (job.succeeded, job.items, job.weight, job.running, job.failed, job.waiting, job.exhausted)
    return [
        job.job,
        job.meta_table,
        *map(number, counts),
        str(job.watermark),
        remaining,
        job.latest_start,
    ]


def _attempts(inventory: Inventory, query: HistoryQuery, limit: int) -> Iterator[Attempt]:
    """Up to ``limit`` attempts, a page after the other."""
    while limit > 0 and (page := inventory.history(replace(query, limit=limit))):
        yield from page
        limit -= len(page)
        query = replace(query, before=page[-1].id)


def _row_of_attempt(attempt: Attempt) -> list[str]:
    more = ", item passed over" if attempt.passed_over else _WAITS.get(attempt.queue or "", "")
    ids = f"{attempt.id_start} to {attempt.id_end}"
    lines = (attempt.log or "").splitlines()
    became = to_json(attempt.result_item) if attempt.result_item is not None else (lines or [""])[-1]
    return [
        str(attempt.id),
        attempt.job,
        attempt.job_identifier or "",
        str(attempt.attempt),
        attempt.status + more,
        ids,
        number(attempt.count),
        number(attempt.weight),
        attempt.processing_start,
        attempt.processing_end or "",
        excerpt(became),
    ]
