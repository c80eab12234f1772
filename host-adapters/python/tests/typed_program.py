"""A program that uses all that is public, as type checkers see it: mypy and pyright, both strict, in
`cargo xtask lint`. A test runs it, and another says that nothing is missing here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from typing_extensions import assert_type

import batchintory
from batchintory import (
    AcquireRequest,
    AsyncBatch,
    AsyncInventory,
    Attempt,
    AuditPage,
    Batch,
    BatchintoryError,
    BatchPlan,
    Completion,
    Condition,
    Difference,
    HistoryQuery,
    IdRange,
    Inventory,
    Item,
    JobPlace,
    JobProgress,
    JobsQuery,
    JobSummary,
    Limits,
    MetaColumns,
    Migration,
    Nothing,
    NotifyChannel,
    Outcome,
    PageStatement,
    PlannedBatch,
    PlannerError,
    Processed,
    StatusLabels,
    Superseded,
    to_json,
)
from batchintory.table import Table

IS_CSV: Condition = {"column": "item", "op": "like", "value": "file-%"}
REQUEST = AcquireRequest(
    "files",
    "typed",
    columns=MetaColumns("uid", "item", weight="weight"),
    max_count=10,
    filter=IS_CSV,
    lease_seconds=timedelta(minutes=5),
)


def taken(acquired: Batch | Nothing) -> Batch:
    """What is handed out is true, what is not says why."""
    if acquired:
        assert_type(acquired, Batch)
        return acquired
    assert_type(acquired, Nothing)
    raise LookupError(acquired.reason)


def count(items: list[str | None], word: str = "") -> int:
    return len(items) + len(word)


async def count_in_a_loop(items: list[str | None], word: str = "") -> int:
    return count(items, word)


def opens(url: str) -> None:
    Inventory(url, None, status_labels=StatusLabels("running"), limits=Limits(), meta_name=None).close()
    with Inventory(create_engine(url.replace("sqlite:", "sqlite:///"))) as inventory:
        assert_type(inventory.migrate(), Migration)


def hands_out(inventory: Inventory) -> None:
    first = taken(inventory.acquire(REQUEST))
    assert_type(first.items, list[str | None])
    assert_type(first.records, Table[Item])
    assert_type([page[0].weight for page in first.pages(4)], list[float])
    assert_type((first.attempt, first.id_range.weight, first.success), tuple[int, float, bool | None])
    second = taken(inventory.advance(Completion(first.claim_token, Outcome(True)), REQUEST))
    third, *_ = inventory.acquire_many(REQUEST, 1)
    assert_type(second.process(count, "word"), int | None)
    token = third.hand_over()
    with inventory.batch(token) as again:
        again.when_lost(lambda reason: print(reason.name))
        assert_type(again.keep_alive().is_lost, bool)
        again.succeed({"lines": 7}, log="all is well")
    for batch in inventory.batches(REQUEST, 2, follow=False, poll=timedelta(seconds=1)):
        assert_type(batch, Batch)
        batch.fail(ValueError("told to fail"), result=[1])
    taken(inventory.acquire(REQUEST)).release(logging="drained")
    taken(inventory.acquire(REQUEST)).succeeded()
    taken(inventory.acquire(REQUEST)).failed("no space left")
    taken(inventory.acquire(REQUEST)).error()
    done = inventory.process(REQUEST, count, word="word")
    assert_type(done, Processed)
    assert_type(done.nothing, Nothing)
    assert_type(inventory.process(REQUEST, count, follow=False), Processed)


def ends_by_token(inventory: Inventory) -> None:
    request = AcquireRequest("files", "tokens", max_count=10, lease_seconds=60)
    for number, token in enumerate(("token-1", "token-2")):
        taken(inventory.acquire(request, token)).hand_over()
        assert_type(inventory.items(token, None, 3), Table[Item])
        assert_type(inventory.items_statement(token), PageStatement | None)
        inventory.heartbeat(token, timedelta(minutes=1))
        if number:
            inventory.complete(token, Outcome(False, {"lines": 7}, "no space left"))
        else:
            inventory.release(token)
    try:
        inventory.batch("token-2")
    except Superseded as error:
        assert_type((error.name, error.field, error.database_code), tuple[str, str | None, str | None])


def looks(inventory: Inventory) -> None:
    plan = inventory.plan(REQUEST, 3)
    assert_type(plan, BatchPlan)
    assert_type(plan.batches, list[PlannedBatch])
    progress = inventory.progress(REQUEST)
    assert_type(progress, JobProgress)
    assert_type(progress.seconds_left, int | None)
    assert_type(inventory.warnings(REQUEST), list[str])
    jobs = inventory.jobs(JobsQuery(meta_table="files", after=JobPlace("files", "a"), limit=10))
    assert_type(jobs, Table[JobSummary])
    assert_type([job.request for job in inventory.all_jobs()], list[AcquireRequest | None])
    attempts = inventory.history(HistoryQuery(job="typed", details=False))
    assert_type(attempts, Table[Attempt])
    assert_type(attempts[0].queue, Literal["running", "retry", "requeued", "exhausted"] | None)
    audit = inventory.audit("files", "typed")
    assert_type(audit, AuditPage)
    assert_type(audit.differences, list[Difference])
    assert_type(inventory.requeue("files", "typed", ("ids", [IdRange(1, 10)])), int)
    assert_type(inventory.requeue("files", "typed", ("exhausted", None)), int)
    assert_type(inventory.schema_statements("postgresql"), list[str])
    assert_type(inventory.notifications("files"), NotifyChannel | None)
    tables: tuple[Any, ...] = (attempts.to_pandas(), jobs.to_polars(), plan.to_arrow())
    assert_type(to_json(attempts), str)
    assert len(tables) == 3


def as_with_pybatchintory(url: str) -> None:
    batchintory.configure(settings={"INVENTORY_CONN": url})
    assert_type(batchintory.migrate(), Migration)
    assert_type(batchintory.inventory(), Inventory)
    batch = batchintory.acquire_batch("original", "files", {"uid": "uid"}, batch_count=10, lease_seconds=60)
    if batch is not None:
        batch.succeeded()
    for each in batchintory.acquire_batches("original", "files", batch_weight=100, iterations=1, max_attempts=1):
        each.succeeded()


def why(error: BatchintoryError) -> str:
    """Each error is told apart by its class."""
    match error:
        case batchintory.InvalidRequest() | batchintory.ConfigurationChanged() | batchintory.SettingsError():
            return "mend the request"
        case batchintory.NoSuchTable() | batchintory.NoSuchColumn() | batchintory.NoSuchBatch():
            return "it is not there"
        case batchintory.Superseded() | batchintory.LeaseOver() | batchintory.BatchReleased():
            return "somebody else has it"
        case batchintory.ExhaustedRetries() | batchintory.Unavailable() | batchintory.ConnectError():
            return "try again later"
        case batchintory.DatabaseRefused() | PlannerError():
            return "ask its database"
        case batchintory.ComponentError() | batchintory.Trap() | batchintory.LimitReached():
            return "the planner"
        case batchintory.PickleError() | batchintory.ForkError() | batchintory.TransactionError():
            return "this program"
        case batchintory.ResultError():
            return "the result"
        case _:
            assert_type(error, BatchintoryError)
            return error.name


def async_taken(acquired: AsyncBatch | Nothing) -> AsyncBatch:
    if acquired:
        return acquired
    assert_type(acquired, Nothing)
    raise LookupError(acquired.reason)


async def in_a_loop(url: str) -> None:
    engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:///"))
    request = AcquireRequest("files", "loop", max_count=10, lease_seconds=60)
    async with AsyncInventory(engine) as inventory:
        assert_type(await inventory.migrate(), Migration)
        async with async_taken(await inventory.acquire(request)) as batch:
            assert_type(await batch.items(), list[str | None])
            assert_type(await batch.records(), Table[Item])
            assert_type([page[0].item async for page in batch.pages()], list[str | None])
            await batch.when_lost(lambda reason: print(reason.name))
            assert_type((batch.success, batch.is_lost), tuple[bool | None, bool])
            assert_type((await batch.keep_alive()).is_lost, bool)
            await batch.succeed({"lines": 7})
        done = Completion(batch.claim_token, Outcome(True, {"lines": 7}))
        following = async_taken(await inventory.advance(done, request))
        await following.succeed()
        many = await inventory.acquire_many(request, 3)
        await many[0].release("drained")
        token = many[1].hand_over()
        assert_type(await inventory.items(token), Table[Item])
        assert_type(await inventory.items_statement(token), PageStatement | None)
        await inventory.heartbeat(token, 60)
        assert_type(await (await inventory.batch(token)).process(count_in_a_loop), int | None)
        tokens = [async_taken(await inventory.acquire(request)).hand_over() for _ in range(2)]
        await inventory.complete(tokens[0], Outcome(True))
        await inventory.release(tokens[1])
        await many[2].fail("told to fail")
        async for each in inventory.batches(request, 1):
            assert_type(each, AsyncBatch)
            await each.succeed()
        assert_type(await inventory.process(request, count_in_a_loop, word="word"), Processed)
        assert_type(await inventory.plan(request), BatchPlan)
        assert_type(await inventory.progress(request), JobProgress)
        assert_type(await inventory.warnings(request), list[str])
        assert_type(await inventory.requeue("files", "loop", ("batch", batch.pk)), int)
        assert_type(await inventory.audit("files", "loop"), AuditPage)
        assert_type(await inventory.jobs(), Table[JobSummary])
        assert_type([job.job async for job in inventory.all_jobs()], list[str])
        assert_type(await inventory.history(), Table[Attempt])
        assert_type(await inventory.schema_statements("sqlite"), list[str])
        assert_type(await inventory.notifications("files"), NotifyChannel | None)
        await inventory.close()
    await engine.dispose()
