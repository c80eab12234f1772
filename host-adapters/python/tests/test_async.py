"""Batches in event loops, by all modules that SQLAlchemy connects by."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import async_url, fill, on_server, request_of
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from batchintory import (
    AsyncBatch,
    AsyncInventory,
    ConnectError,
    HistoryQuery,
    IdRange,
    InvalidRequest,
    Nothing,
    PickleError,
    Superseded,
    TransactionError,
    Unavailable,
    waiting,
)

SYSTEMS = {
    "aiosqlite": "sqlite",
    "asyncpg": "postgresql",
    "psycopg": "postgresql",
    "aiomysql": "mysql",
    "asyncmy": "mysql",
}


def new_lake(module: str, folder: Path, engine_of: Callable[[str], Engine]) -> str:
    """The URL of a database with a meta table of 100 files."""
    system = SYSTEMS[module]
    url = f"sqlite:{folder / 'lake.sqlite'}" if system == "sqlite" else on_server(system)
    fill(engine_of(url))
    return async_url(url, module)


@pytest.fixture(params=list(SYSTEMS))
def url(request: pytest.FixtureRequest, tmp_path: Path, engine_of: Callable[[str], Engine]) -> str:
    """By each module."""
    return new_lake(request.param, tmp_path, engine_of)


@pytest.fixture(params=["aiosqlite", "asyncpg", "psycopg"])
def url_of_three(request: pytest.FixtureRequest, tmp_path: Path, engine_of: Callable[[str], Engine]) -> str:
    """By those that differ in how they are cancelled, and in transactions."""
    return new_lake(request.param, tmp_path, engine_of)


@pytest.fixture(params=["asyncpg", "psycopg"])
def server_url(request: pytest.FixtureRequest, tmp_path: Path, engine_of: Callable[[str], Engine]) -> str:
    """By those of PostgreSQL."""
    return new_lake(request.param, tmp_path, engine_of)


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[AsyncInventory]:
    """An inventory, of which nothing is left in the end."""
    engine = create_async_engine(url)
    try:
        async with AsyncInventory(engine, **options) as inventory:
            await inventory.migrate()
            yield inventory
            check_that_nothing_runs(inventory)
    finally:
        await engine.dispose()
    check_that_nothing_runs(inventory)


def check_that_nothing_runs(inventory: AsyncInventory) -> None:
    """No thread, no task, no connection in use."""
    names = {thread.name for thread in threading.enumerate()}
    assert names & {"batchintory-call", "batchintory-heartbeat", "batchintory-ends"} == set()
    assert asyncio.all_tasks() - {asyncio.current_task()} == set()
    for database in inventory._databases:
        pool: Any = database._engine.sync_engine.pool
        assert pool.checkedout() == 0


async def claim(inventory: AsyncInventory, **options: Any) -> AsyncBatch:
    batch = await inventory.acquire(request_of(**options))
    assert isinstance(batch, AsyncBatch)
    return batch


async def latest(inventory: AsyncInventory) -> Any:
    return (await inventory.history(HistoryQuery(limit=1)))[0]


async def count(items: list[str | None]) -> int:
    await asyncio.sleep(0)
    return len(items)


def test_all_items_once_by_many_tasks(url: str) -> None:
    seen: list[str | None] = []

    async def work(items: list[str | None], *, extra: int) -> int:
        seen.extend(items)
        await asyncio.sleep(0)
        return len(items) + extra

    async def main() -> None:
        async with opened(url) as inventory:
            done = await asyncio.gather(*(inventory.process(request_of(7), work, extra=1) for _ in range(5)))
            assert sum(one.succeeded for one in done) == 15
            assert {one.nothing.reason for one in done} == {"caught-up"}
            assert sorted(seen, key=str) == sorted((f"file-{uid}" for uid in range(1, 101)), key=str)
            assert (await latest(inventory)).result_item == 3

    asyncio.run(main())


def test_a_loop_reads_and_ends_batches(url: str) -> None:
    async def main() -> None:
        async with opened(url) as inventory:
            seen = []
            async for batch in inventory.batches(request_of(30, lease_seconds=60)):
                async with batch:
                    items = await batch.items()
                    assert [item.item for item in await batch.records()] == items
                    assert [len(page) async for page in batch.pages(20)] == (
                        [20, 10] if len(items) == 30 else [10]
                    )
                    seen += items
                assert batch.success
            assert seen == [f"file-{uid}" for uid in range(1, 101)]
            assert [attempt.status for attempt in await inventory.history()] == ["succeeded"] * 4
            assert isinstance(await inventory.acquire(request_of(25, lease_seconds=60)), Nothing)

    asyncio.run(main())


def test_a_failure_is_kept_and_passed_over(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def work(items: list[str | None]) -> int:
        if "file-1" in items:
            raise ValueError("no such file")
        return len(items)

    async def main() -> None:
        async with opened(url) as inventory:
            done = await inventory.process(request_of(50, max_attempts=2), work)
            assert (done.succeeded, done.failed) == (1, 2)
            first = (await inventory.history(HistoryQuery(meta_table="files", uid=1)))[-1]
            assert first.status == "failed"
            assert first.log is not None
            assert first.log.startswith("ValueError: no such file\n\nTraceback")

    with caplog.at_level(logging.ERROR, "batchintory"):
        asyncio.run(main())
    assert caplog.text.count("ValueError: no such file") >= 2


def test_several_at_once_and_by_token(url: str) -> None:
    async def main() -> None:
        async with opened(url) as inventory:
            first, second = await inventory.acquire_many(request_of(10), 2)
            token = second.hand_over()
            again = await inventory.batch(token)
            assert again.id_range == second.id_range
            await again.succeed({"by": "another"})
            await first.fail("no")
            # The failed range comes again.
            assert (await claim(inventory)).attempt == 2
            await inventory.requeue("files", "job", ("ids", [IdRange(11, 20)]))
            assert [job.job async for job in inventory.all_jobs()] == ["job"]
            assert (await inventory.plan(request_of(10), 1)).batches[0].id_start == 21

    with pytest.warns(ResourceWarning, match="was forgotten"):
        asyncio.run(main())


# What is cancelled.


class Statements:
    """Does something when the statement of this number is sent, or was answered."""

    def __init__(self, inventory: AsyncInventory) -> None:
        self.sent = 0
        self.at = -1
        self.does: Callable[[], object] = lambda: None
        self.is_before = True
        for database in inventory._databases:
            self._watch(database)

    def _watch(self, database: Any) -> None:
        query = database._query

        async def watched(*arguments: Any) -> Any:
            number = self.sent
            self.sent += 1
            if number == self.at and self.is_before:
                self.does()
                # The task is cancelled before the statement is.
                await asyncio.sleep(0)
            answer = await query(*arguments)
            if number == self.at and not self.is_before:
                self.does()
            return answer

        database._query = watched


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize("is_before", [False, True])
def test_a_claim_may_be_cancelled_at_each_statement(url_of_three: str, has_token: bool, is_before: bool) -> None:
    token = "a token of the caller's own" if has_token else None

    async def main() -> int:
        async with opened(url_of_three) as inventory:
            statements = Statements(inventory)
            statements.is_before = is_before
            await (await claim(inventory, job="measured")).succeed()
            last, cancelled = statements.sent, 0
            for number in range(last):
                request = request_of(job=f"job {number}")
                claiming = asyncio.create_task(inventory.acquire(request, token and f"{token} {number}"))
                statements.sent, statements.at, statements.does = 0, number, claiming.cancel
                try:
                    await claiming
                except asyncio.CancelledError:
                    cancelled += 1
                    check_that_nothing_runs(inventory)
                    runs = await inventory.history(HistoryQuery(job=request.job, queue="running"))
                    if token is None:
                        assert runs == []
                    again = await inventory.acquire(request, token and f"{token} {number}")
                    assert isinstance(again, AsyncBatch)
                    assert again.id_range.id_min == 1
                    if token is not None:
                        assert again.attempt == 1
                    await again.succeed()
                    # It has cost no attempt.
                    attempts = await inventory.history(HistoryQuery(job=request.job))
                    assert {attempt.status for attempt in attempts[1:]} <= {"failed"}
                else:
                    await (claiming.result() or pytest.fail("nothing")).succeed()
            return cancelled

    assert asyncio.run(main()) > 0


def test_a_cancelled_process_gives_its_batch_back(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:
            begun = asyncio.Event()

            async def work(items: list[str | None]) -> None:
                begun.set()
                await asyncio.Event().wait()

            request = request_of(lease_seconds=600, max_attempts=1)
            processing = asyncio.create_task(inventory.process(request, work))
            await begun.wait()
            processing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await processing
            check_that_nothing_runs(inventory)
            assert await inventory.history(HistoryQuery(queue="running")) == []
            # It is handed out again, though there is to be one attempt only.
            assert (await latest(inventory)).log.startswith("asyncio.exceptions.CancelledError")
            assert (await inventory.process(request, count)).succeeded == 10

    asyncio.run(main())


def test_a_time_limit_gives_the_batch_back(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:

            async def work() -> None:
                async with await claim(inventory, lease_seconds=600):
                    await asyncio.Event().wait()

            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(work(), 1)
            check_that_nothing_runs(inventory)
            assert await inventory.history(HistoryQuery(queue="running")) == []

    asyncio.run(main())


async def until_somebody_waits(engine: AsyncEngine) -> None:
    """Until a session waits for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while True:
        async with engine.connect() as connection:
            if (await connection.execute(text(waiting))).scalar():
                return


#: How many others are at work in this database.
ACTIVE = (
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() "
    "AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize("times", [1, 2])
def test_what_waits_for_a_lock_is_cancelled_in_the_server_too(
    server_url: str, times: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("batchintory.asynchronous.async_inventory._PATIENCE", 0.2)

    async def main() -> None:
        other = create_async_engine(server_url, poolclass=NullPool)
        async with opened(server_url) as inventory:
            async with other.begin() as holding:
                await holding.execute(text("LOCK TABLE inventory IN ACCESS EXCLUSIVE MODE"))
                claiming = asyncio.create_task(inventory.acquire(request_of()))
                await until_somebody_waits(other)
                for _ in range(times):
                    claiming.cancel()
                    await asyncio.sleep(0)
                with pytest.raises(asyncio.CancelledError):
                    await claiming
                check_that_nothing_runs(inventory)
                assert (await holding.execute(text(ACTIVE))).scalar() == 0
            assert await inventory.history() == []

    asyncio.run(main())


def test_what_follows_may_be_cancelled_while_it_waits(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:
            seen = asyncio.Event()

            async def work(items: list[str | None]) -> None:
                seen.set()

            following = asyncio.create_task(inventory.process(request_of(None), work, follow=True, poll=3_600))
            await seen.wait()
            while not await inventory.history(HistoryQuery(limit=1)):
                pass
            while (await latest(inventory)).status != "succeeded":
                pass
            following.cancel()
            with pytest.raises(asyncio.CancelledError):
                await following
            check_that_nothing_runs(inventory)

    asyncio.run(main())


# Waiting.


def test_closing_ends_what_follows(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:
            told = asyncio.Event()

            async def follow() -> list[int]:
                seen = []
                async for batch in inventory.batches(request_of(None), follow=True, poll=3_600):
                    await batch.succeed()
                    seen.append(batch.id_range.count)
                    told.set()
                return seen

            following = asyncio.create_task(follow())
            await told.wait()
            while not following.done():
                await inventory.close()
                await asyncio.sleep(0.05)
            assert await following == [100]

    asyncio.run(main())


def test_what_rests_is_waited_for(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:
            attempts = []
            request = request_of(100, retry_delay_seconds=1)
            async for batch in inventory.batches(request, iterations=2, follow=True, poll=3_600):
                attempts.append(batch.attempt)
                await batch.fail("no")
            assert attempts == [1, 2]

    asyncio.run(main())


# Leases.


def test_the_lease_goes_on_and_its_loss_is_told(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:
            beats = asyncio.Event()
            heartbeat = inventory._inventory.heartbeat
            loop = asyncio.get_running_loop()

            def counted(claim_token: str, lease_seconds: Any) -> None:
                heartbeat(claim_token, lease_seconds)
                loop.call_soon_threadsafe(beats.set)

            inventory._inventory.heartbeat = counted  # type: ignore[method-assign]
            async with await claim(inventory, lease_seconds=1) as batch:
                await beats.wait()
                assert not batch.is_lost
            assert batch.success
            lost = asyncio.Event()
            reasons: list[Exception] = []
            batch = await claim(inventory, lease_seconds=1)
            await batch.when_lost(reasons.append)
            await batch.when_lost(lambda _: lost.set())
            await inventory.requeue("files", "job", ("batch", batch.pk))
            await lost.wait()
            assert batch.is_lost
            assert [type(reason) for reason in reasons] == [Superseded]
            with pytest.raises(Superseded):
                await batch.succeed()
            batch.hand_over()

    asyncio.run(main())


def test_a_sign_of_life_that_is_under_way_ends_with_its_batch(url_of_three: str) -> None:
    async def main() -> None:
        async with opened(url_of_three) as inventory:
            loop, begun = asyncio.get_running_loop(), asyncio.Event()

            def unanswered(claim_token: str, lease_seconds: Any) -> None:
                loop.call_soon_threadsafe(begun.set)
                waiting.of_this_thread().sleep(3_600)

            inventory._inventory.heartbeat = unanswered  # type: ignore[method-assign]
            async with await claim(inventory, lease_seconds=2) as batch:
                await begun.wait()
            assert batch.success
            check_that_nothing_runs(inventory)

    asyncio.run(main())


# With the program's own statements.


def test_a_batch_ends_inside_a_transaction(url: str) -> None:
    async def main() -> None:
        engine = create_async_engine(url)
        async with opened(url) as inventory:
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE results (items integer)"))
            batch = await claim(inventory)
            with pytest.raises(RuntimeError, match="not today"):
                async with engine.begin() as connection:
                    await connection.execute(text("INSERT INTO results VALUES (10)"))
                    await batch.succeed(connection=connection)
                    raise RuntimeError("not today")
            assert (await latest(inventory)).status == "running"
            batch = await inventory.batch(batch.claim_token)
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO results VALUES (10)"))
                await batch.succeed({"items": 10}, connection=connection)
            assert (await latest(inventory)).result_item == {"items": 10}
            async with engine.connect() as connection:
                assert (await connection.execute(text("SELECT count(*) FROM results"))).scalar() == 1
            batch = await claim(inventory)
            async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                with pytest.raises(TransactionError, match="autocommit"):
                    await batch.succeed(connection=connection)
            await batch.succeed()
        await engine.dispose()

    asyncio.run(main())


def test_a_program_may_hold_all_of_its_connections(server_url: str) -> None:
    async def main() -> None:
        engine = create_async_engine(server_url, pool_size=1, max_overflow=0, pool_timeout=1)
        async with AsyncInventory(engine) as inventory:
            async with engine.begin() as connection:
                await connection.execute(text("SELECT 1"))
                await inventory.migrate()
                assert (await inventory.process(request_of(50), count)).succeeded == 2
        await engine.dispose()

    asyncio.run(main())


def test_connections_that_were_lost_meanwhile_are_made_anew(
    server_url: str, engine_of: Callable[[str], Engine]
) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "

    async def main() -> None:
        other = create_async_engine(server_url, poolclass=NullPool)
        async with opened(server_url) as inventory:
            batch = await claim(inventory)
            async with other.connect() as connection:
                await connection.execute(text(ended + "pg_backend_pid()"))
            # What the server has said must have come.
            await asyncio.sleep(0.2)
            await inventory.plan(request_of())
            await batch.succeed()

    asyncio.run(main())


def test_a_server_that_is_away_is_told_without_its_password() -> None:
    async def main() -> None:
        engine = create_async_engine("postgresql+asyncpg://user:pa55word@127.0.0.1:1/lake")
        async with AsyncInventory(engine) as inventory:
            with pytest.raises(Unavailable) as refused:
                await inventory.migrate()
        assert "pa55word" not in str(refused.value) + repr(inventory)
        await engine.dispose()

    asyncio.run(main())


def test_sqlite_in_memory_is_one_database() -> None:
    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE files (uid integer PRIMARY KEY, item text, weight real)"))
            await connection.execute(text("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 1)"))
        async with AsyncInventory(engine) as inventory:
            await inventory.migrate()
            done = await asyncio.gather(*(inventory.process(request_of(1), count) for _ in range(3)))
            assert sum(one.succeeded for one in done) == 2
        await engine.dispose()

    asyncio.run(main())


# What is refused.


def test_what_is_no_engine_of_a_loop_is_refused(sqlite_url: str) -> None:
    engine = create_engine("sqlite://")
    with pytest.raises(ConnectError, match="takes an AsyncEngine, not a Engine"):
        AsyncInventory(engine)  # type: ignore[arg-type]
    engine.dispose()


def test_work_that_only_begins_is_refused_before_the_claim(tmp_path: Path, engine_of: Any) -> None:
    def generates(items: list[str | None]) -> Iterator[int]:
        yield 1

    async def main() -> None:
        async with opened(new_lake("aiosqlite", tmp_path, engine_of)) as inventory:
            wrong: Any = generates
            with pytest.raises(InvalidRequest, match="generates is a generator") as refused:
                await inventory.process(request_of(), wrong)
            assert refused.value.field == "work"
            assert await inventory.history() == []
            # What returns something to be awaited is as good as an `async def`.
            assert (await inventory.process(request_of(50), lambda items: count(items))).succeeded == 2

    asyncio.run(main())


def test_neither_is_sent_to_other_processes(tmp_path: Path, engine_of: Callable[[str], Engine]) -> None:
    async def main() -> None:
        async with opened(new_lake("aiosqlite", tmp_path, engine_of)) as inventory:
            batch = await claim(inventory)
            with pytest.raises(PickleError, match="hand_over"):
                pickle.dumps(batch)
            with pytest.raises(PickleError, match="belongs to its event loop"):
                pickle.dumps(inventory)
            await batch.succeed()

    asyncio.run(main())
