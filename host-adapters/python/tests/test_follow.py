"""Following a job. None of these tests lasts as long as its poll time of an hour."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeInventory, request_of, sqlalchemy_url
from sqlalchemy import URL, Engine, make_url

from batchintory import IdRange, Inventory, Nothing
from batchintory.follow import Alarm, wait_for_work

CASES = json.loads((Path(__file__).parents[3] / "tests" / "follow.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_waits_are_those_of_all_languages(case: dict[str, Any]) -> None:
    wait = wait_for_work(case["poll_seconds"], case["due_in_seconds"], case["chance"])
    assert wait == pytest.approx(case["wait_seconds"])


def waiting(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the inventory was told that there is nothing."""
    told = threading.Event()
    advance = inventory._advance

    def spied(*arguments: object) -> object:
        answer = advance(*arguments)  # type: ignore[arg-type]
        if isinstance(answer, Nothing):
            told.set()
        return answer

    monkeypatch.setattr(inventory, "_advance", spied)
    return told


def test_a_range_that_rests_is_waited_for(url: str, lake: MakeInventory) -> None:
    inventory = lake(url, range(1, 4))
    request = request_of(10, retry_delay_seconds=1)
    attempts = []
    for batch in inventory.batches(request, iterations=2, follow=True, poll=3600):
        attempts.append(batch.attempt)
        batch.fail("no")
    assert attempts == [1, 2]


def test_closing_the_inventory_ends_it(url: str, lake: MakeInventory, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = lake(url, range(1, 4))
    told = waiting(inventory, monkeypatch)
    seen = []

    def work() -> None:
        for batch in inventory.batches(request_of(10), follow=True, poll=3600):
            batch.succeed()
            seen.append(batch.id_range.count)

    worker = threading.Thread(target=work)
    worker.start()
    told.wait()
    inventory.close()
    worker.join()
    assert seen == [3]
    # Closed it can be asked again.
    assert isinstance(inventory.acquire(request_of(10)), Nothing)


def test_an_interrupt_ends_it(url: str, lake: MakeInventory, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = lake(url, range(1, 4))
    told = waiting(inventory, monkeypatch)

    def interrupt() -> None:
        told.wait()
        # At the very moment at which a thread falls asleep, Python would not notice it.
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    # A process that was started in the background of a script ignores it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            for batch in inventory.batches(request_of(10), follow=True, poll=3600):
                batch.succeed()
        interrupting.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_comes_is_handed_out(url: str, lake: MakeInventory, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = lake(url, range(1, 4))
    other = Inventory(url)
    for batch in inventory.batches(request_of(10), iterations=1):
        batch.succeed()
    told = waiting(inventory, monkeypatch)

    def requeue() -> None:
        told.wait()
        other.requeue("files", "job", ("ids", [IdRange(1, 3)]))

    told_first = threading.Thread(target=requeue)
    told_first.start()
    for again in inventory.batches(request_of(10), iterations=1, follow=True, poll=0.2):
        assert (again.attempt, again.id_range.count) == (2, 3)
        again.succeed()
    told_first.join()
    other.close()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_new_rows_wake_at_once(
    postgres_url: str,
    engine_of: Callable[[str | URL], Engine],
    lake: MakeInventory,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
) -> None:
    inventory = lake(make_url(sqlalchemy_url(postgres_url, driver)), range(1, 4))
    engine = engine_of(postgres_url)
    channel = inventory.notifications("files")
    assert channel is not None
    with engine.begin() as connection:
        for statement in channel.statements:
            connection.exec_driver_sql(statement)
    told = waiting(inventory, monkeypatch)

    def insert(uid: int) -> None:
        told.wait()
        told.clear()
        with engine.begin() as connection:
            connection.exec_driver_sql(f"INSERT INTO files VALUES ({uid}, 'new', 1)")

    seen = []
    # The first wait only begins to listen.
    for batch in inventory.batches(request_of(1), iterations=7, follow=True, poll=3600):
        seen.append(batch.record.id_start)
        batch.succeed()
        if 3 <= len(seen) < 7:
            inserting = threading.Thread(target=insert, args=[len(seen) + 1])
            inserting.start()
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_a_lost_listener_is_opened_anew(
    postgres_url: str, engine_of: Callable[[str | URL], Engine], lake: MakeInventory
) -> None:
    inventory = lake(postgres_url, range(1, 4))
    alarm = Alarm(inventory, "files")
    never = threading.Event()
    # It has not listened yet, so rows may have come.
    alarm.wait(3_600, never)
    with engine_of(postgres_url).begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
            " AND datname = current_database()"
        )
    # The connection is lost, and then there is another one.
    alarm.wait(3_600, never)
    alarm.wait(3_600, never)
    assert alarm._listener is not None
    alarm.close()
