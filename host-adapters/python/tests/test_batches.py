"""Loops: the end of a batch comes with the claim of the next, and by itself where there is none."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from conftest import MakeInventory, fill, latest, request_of
from sqlalchemy import text
from sqlalchemy.engine import Engine

from batchintory import (
    BatchintoryError,
    Completion,
    HistoryQuery,
    InvalidRequest,
    Inventory,
    JobsQuery,
    NoSuchTable,
    Outcome,
    Superseded,
    batches,
)
from batchintory.connect import connect
from batchintory.database import Database
from batchintory.records import Dialect
from batchintory.statements import DatabaseError, Rows, Value


class Recording:
    """A database that keeps what it is sent, and lets some of it fail."""

    def __init__(self, database: Database) -> None:
        self.dialect: Dialect = database.dialect
        self.schema = database.schema
        self.sent: list[str] = []
        #: What happens to the next statements, in order.
        self.faults: list[str | None] = []
        self._database = database

    def query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        self.sent.append(statement)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "unreachable":
            raise DatabaseError("unavailable", "no route")
        if fault == "statement lost":
            raise DatabaseError("outcome-unknown", "reset")
        rows = self._database.query(statement, parameters)
        if fault == "answer lost":
            raise DatabaseError("outcome-unknown", "reset")
        return rows

    def close(self) -> None:
        self._database.close()


@pytest.fixture(params=[("postgresql", False, 1), ("sqlite", False, 3), ("postgresql", True, 5)])
def counted(
    request: pytest.FixtureRequest, tmp_path: Any, engine_of: Callable[[str], Engine]
) -> tuple[Inventory, Callable[[], int], int]:
    """An inventory, how many statements it has sent since it was asked last, and how many make a turn."""
    from conftest import on_server

    system, apart, each = request.param
    url = f"sqlite:{tmp_path / 'lake.sqlite'}" if system == "sqlite" else on_server(system)
    fill(engine_of(url))
    first = Recording(connect(url))
    second = Recording(connect(url)) if apart else first
    inventory = Inventory(first, second)
    inventory.migrate()

    def sent() -> int:
        number = len(first.sent) + (len(second.sent) if apart else 0)
        first.sent.clear()
        second.sent.clear()
        return number

    return inventory, sent, each


def counts(inventory: Inventory) -> tuple[int, int, int]:
    """How many batches run, have succeeded and have failed."""
    (job,) = inventory.jobs(JobsQuery())
    return job.running, job.succeeded, job.failed


def test_a_turn_has_few_statements(counted: tuple[Inventory, Callable[[], int], int]) -> None:
    inventory, sent, each = counted
    turns = []
    for batch in inventory.batches(request_of(10)):
        with batch:
            turns.append(sent())
            assert len(batch.items) == 10
    assert turns[1:] == [each] * 9
    assert counts(inventory) == (0, 10, 0)


def test_a_turn_of_process_has_few_statements(counted: tuple[Inventory, Callable[[], int], int]) -> None:
    inventory, sent, each = counted
    turns = []

    def work(items: list[str | None], more: int) -> int:
        turns.append(sent())
        return len(items) + more

    processed = inventory.process(request_of(10), work, 1)
    assert (processed.succeeded, processed.failed, processed.nothing.reason) == (10, 0, "caught-up")
    assert turns[1:] == [each] * 9
    assert (counts(inventory), latest(inventory).result_item) == ((0, 10, 0), 11)


def test_whatever_ends_the_loop_ends_its_batch(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    for batch in inventory.batches(request_of()):
        batch.succeed(1)
        assert batch.success
        break
    assert counts(inventory) == (0, 1, 0)

    for batch in inventory.batches(request_of(), 1):
        batch.succeed(2)
        # No claim follows it.
        assert counts(inventory) == (0, 2, 0)

    with pytest.raises(ZeroDivisionError):
        for batch in inventory.batches(request_of()):
            batch.succeed(3)
            raise ZeroDivisionError
    assert counts(inventory) == (0, 3, 0)

    with pytest.raises(ZeroDivisionError):
        for batch in inventory.batches(request_of()):
            with batch:
                raise ZeroDivisionError
    assert counts(inventory) == (0, 3, 1)

    loop = inventory.batches(request_of())
    next(loop).succeed(4)
    loop.close()  # type: ignore[attr-defined]
    assert counts(inventory) == (0, 4, 1)
    assert list(loop) == []

    # Those that the loop has left behind are ended by themselves.
    several = list(inventory.batches(request_of(), 3))
    assert counts(inventory) == (3, 4, 1)
    for batch in several:
        batch.succeed()
    assert counts(inventory) == (0, 7, 1)
    alone = next(inventory.batches(request_of()))
    alone.succeed()
    assert counts(inventory) == (0, 8, 1)


def test_an_end_waits_for_no_claim_for_long(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    loop = inventory.batches(request_of())
    first, second = next(loop), next(loop)
    second.succeed("second")
    # There is one end that waits.
    first.succeed("first")
    assert counts(inventory) == (1, 1, 0)
    while counts(inventory) != (0, 2, 0):
        time.sleep(0.05)
    next(loop).succeed()


def test_an_end_comes_before_the_wait(url: str, lake: MakeInventory) -> None:
    inventory = lake(url, range(1, 11))
    other = Inventory(url)

    def closing(_seconds: float, stopped: threading.Event) -> None:
        assert counts(other) == (0, 1, 0)
        stopped.set()

    for batch in inventory.batches(request_of(), follow=True, poll=3600):
        batch.succeed()
        batch._loop()._alarm.wait = closing  # type: ignore[misc, union-attr, method-assign]
    assert counts(inventory) == (0, 1, 0)
    processed = other.process(request_of(), len)
    assert (processed.succeeded, processed.failed) == (0, 0)
    other.close()


#: A thread that is not waited for holds the loop.
SCRIPT = """
import sys
import threading

from batchintory import AcquireRequest, Inventory

inventory = Inventory(sys.argv[1])
loop = inventory.batches(AcquireRequest("files", "job", max_count=10))
threading.Thread(target=lambda loop: threading.Event().wait(), args=(loop,), daemon=True).start()
next(loop).succeed("at the end")
"""


def test_the_end_of_the_process_ends_it(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    subprocess.run([sys.executable, "-c", SCRIPT, sqlite_url], check=True)
    assert (latest(inventory).status, latest(inventory).result_item) == ("succeeded", "at the end")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system forks no processes")
def test_a_forked_process_ends_nothing(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    loop = inventory.batches(request_of())
    next(loop).succeed("the parent's")
    child = os.fork()
    if child == 0:
        loop.close()  # type: ignore[attr-defined]
        os._exit(counts(inventory) != (1, 0, 0))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    next(loop)
    assert counts(inventory) == (1, 1, 0)


def test_a_lease_goes_on_until_the_end_got_through(
    sqlite_url: str, lake: MakeInventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LONGEST_DELAY", 3_600)
    inventory = lake(sqlite_url)
    loop = inventory.batches(request_of(lease_seconds=6))
    batch = next(loop)
    with batch:
        claimed = latest(inventory).lease_expires
    # The end waits, and the lease is prolonged.
    while latest(inventory).lease_expires == claimed:
        time.sleep(0.05)
    assert counts(inventory) == (1, 0, 0)
    again = next(loop)
    assert counts(inventory) == (1, 1, 0)
    # A lease that nobody prolongs waits for nothing.
    again.succeed()
    assert counts(inventory) == (0, 2, 0)


@pytest.mark.parametrize("fault", ["unreachable", "statement lost", "answer lost"])
@pytest.mark.parametrize("faults", [1, 2, 3])
def test_faults_lose_nothing(url_of_two: str, engine_of: Callable[[str], Engine], fault: str, faults: int) -> None:
    fill(engine_of(url_of_two))
    recording = Recording(connect(url_of_two))
    inventory = Inventory(recording)
    inventory.migrate()
    seen = []
    # The databases were reached before, so they are waited for.
    for batch in inventory.batches(request_of(lease_seconds=600)):
        with batch:
            seen += batch.items
            if len(seen) == 30:
                recording.faults = [fault] * faults
    running, succeeded, failed = counts(inventory)
    # A claim that nobody was told of stands until its lease is over.
    assert running <= 1
    assert (running + succeeded, failed) == (10, 0)
    assert len(seen) == len(set(seen)) == 100 - 10 * running


def requeued(inventory: Inventory) -> None:
    """Takes the latest batch from its owner."""
    inventory.requeue("files", "job", ("batch", latest(inventory).id))


def test_a_loss_is_told_where_the_next_batch_is_asked_for(url_of_two: str, lake: MakeInventory) -> None:
    inventory = lake(url_of_two)
    loop = inventory.batches(request_of())
    lost = next(loop)
    requeued(inventory)
    lost.succeed()
    with pytest.raises(Superseded):
        next(loop)
    assert lost.success is None
    # Nothing was handed out, and the loop goes on.
    (job,) = inventory.jobs()
    assert (job.running, job.waiting) == (0, 1)
    assert next(loop).attempt == 2

    with pytest.raises(Superseded):
        inventory.process(request_of(), lambda _: requeued(inventory))
    assert sum(job.waiting for job in inventory.jobs()) == 1


def test_a_loss_is_logged_where_no_next_batch_is_asked_for(
    sqlite_url: str, lake: MakeInventory, caplog: pytest.LogCaptureFixture
) -> None:
    inventory = lake(sqlite_url)
    with caplog.at_level(logging.WARNING, "batchintory"):
        for batch in inventory.batches(request_of()):
            requeued(inventory)
            batch.succeed()
            break
    assert "has not ended as it was to" in caplog.text
    loop = inventory.batches(request_of())
    batch = next(loop)
    requeued(inventory)
    batch.succeed()
    with pytest.raises(Superseded):
        loop.close()  # type: ignore[attr-defined]


def test_a_result_that_cannot_be_kept_fails_its_batch(url_of_two: str, lake: MakeInventory) -> None:
    inventory = lake(url_of_two)
    too_deep: Any = []
    for _ in range(65):
        too_deep = [too_deep]
    loop = inventory.batches(request_of(max_attempts=1))
    batch = next(loop)
    batch.succeed(too_deep)
    with pytest.raises(InvalidRequest, match="levels"):
        next(loop)
    assert batch.success is False
    assert counts(inventory) == (0, 0, 1)
    assert "levels" in latest(inventory).log
    results = iter([too_deep, 1, 2])
    processed = inventory.process(request_of(40, max_attempts=1), lambda _: next(results))
    assert (processed.succeeded, processed.failed) == (2, 1)
    assert counts(inventory) == (0, 2, 2)


def test_an_error_of_the_claim_is_raised_once_the_batch_has_ended(
    url_of_two: str, lake: MakeInventory, engine_of: Callable[[str], Engine]
) -> None:
    inventory = lake(url_of_two)
    loop = inventory.batches(request_of())
    next(loop).succeed()
    with engine_of(url_of_two).begin() as connection:
        connection.execute(text("ALTER TABLE files RENAME TO elsewhere"))
    with pytest.raises(NoSuchTable):
        next(loop)
    assert counts(inventory) == (0, 1, 0)
    with engine_of(url_of_two).begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO files"))
    assert next(loop).id_range.id_min == 11


def test_advance_ends_and_hands_out(url_of_two: str, lake: MakeInventory) -> None:
    inventory = lake(url_of_two)
    first = inventory.advance(None, request_of(), "first", 3)
    assert [item.uid for item in first.first_items] == [1, 2, 3]  # type: ignore[union-attr]
    assert [len(page) for page in first.pages(2)] == [2, 1, 2, 2, 2, 1]  # type: ignore[union-attr]
    done = Completion("first", Outcome(True))
    for _ in range(2):
        second = inventory.advance(done, request_of(), "second")
        assert second.id_range.id_min == 11  # type: ignore[union-attr]
    assert counts(inventory) == (1, 1, 0)
    with pytest.raises(BatchintoryError, match="ended"):
        inventory.advance(Completion("first", Outcome(False, log="no")), request_of())
    statuses = {attempt.id: attempt.status for attempt in inventory.history(HistoryQuery())}
    assert sorted(statuses.values()) == ["running", "succeeded"]


def test_a_connection_of_the_program_is_not_used_behind_its_back(
    url_of_two: str, lake: MakeInventory, engine_of: Callable[[str], Engine]
) -> None:
    lake(url_of_two)
    with engine_of(url_of_two).connect() as connection:
        inventory = Inventory(connection)
        loop = inventory.batches(request_of())
        next(loop).succeed()
        assert counts(inventory) == (0, 1, 0)
