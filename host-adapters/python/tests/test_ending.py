"""Batches whose database is away when they end, or whose items are long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import MakeInventory, Proxy, claim, fill, latest, on_server, request_of, sqlalchemy_url
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url

from batchintory import (
    AcquireRequest,
    BatchintoryError,
    InvalidRequest,
    Inventory,
    LeaseOver,
    Limits,
    Unavailable,
)

PATIENCE = 60


class Away:
    """Keeps calls from an inventory for a while."""

    def __init__(self, inventory: Inventory, *names: str) -> None:
        self.is_away = False
        self.asked = threading.Event()
        for name in names:
            setattr(inventory, name, self._kept(getattr(inventory, name)))

    def _kept(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def keep(*arguments: Any, **options: Any) -> Any:
            if self.is_away:
                self.asked.set()
                raise Unavailable("no route")
            return call(*arguments, **options)

        return keep


def test_an_end_is_tried_again_until_the_database_is_back(
    sqlite_url: str, lake: MakeInventory, caplog: pytest.LogCaptureFixture
) -> None:
    inventory = lake(sqlite_url)
    away = Away(inventory, "complete", "heartbeat")
    batch = claim(inventory, lease_seconds=600)

    def work(items: list[str | None]) -> int:
        away.is_away = True
        threading.Thread(target=come_back).start()
        return len(items)

    def come_back() -> None:
        assert away.asked.wait(PATIENCE)
        away.is_away = False

    with caplog.at_level(logging.WARNING, "batchintory"):
        assert batch.process(work) == 10
    assert (latest(inventory).status, latest(inventory).result_item) == ("succeeded", 10)
    assert "cannot be ended yet" in caplog.text
    assert "no route" in caplog.text


def test_an_end_survives_a_server_that_is_cut_off(lake: MakeInventory, engine_of: Callable[[str], Engine]) -> None:
    url = on_server("postgresql")
    fill(engine_of(url))
    server = make_url(sqlalchemy_url(url))
    with Proxy.before(server) as proxy:
        inventory = Inventory(server.set(host="127.0.0.1", port=proxy.port))
        inventory.migrate()
        batch = claim(inventory, lease_seconds=600)
        proxy.cut()
        batch.succeed("a result")
        assert latest(inventory).result_item == "a result"
        inventory.close()


def test_whatever_else_the_database_says_a_result_is_kept(
    sqlite_url: str, lake: MakeInventory, engine_of: Callable[[str], Engine], caplog: pytest.LogCaptureFixture
) -> None:
    inventory = lake(sqlite_url)
    engine = engine_of(sqlite_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE UPDATE OF status ON inventory "
                "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
        )
    batch = claim(inventory)
    ended = threading.Thread(target=batch.succeed, args=("a result",))
    with caplog.at_level(logging.WARNING, "batchintory"):
        ended.start()
        while "the disk is full" not in caplog.text:
            assert ended.is_alive()
    assert latest(inventory).status == "running"
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full"))
    ended.join(PATIENCE)
    assert (latest(inventory).status, latest(inventory).result_item) == ("succeeded", "a result")


def test_an_end_is_given_up_when_the_lease_is_over(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    away = Away(inventory, "complete", "heartbeat")
    batch = claim(inventory, lease_seconds=2)
    away.is_away = True
    with pytest.raises(LeaseOver, match="somebody else may have it"):
        batch.succeed()
    away.is_away = False
    assert latest(inventory).status == "running"
    # Nobody has taken it: the database takes its end.
    batch.succeed("late")
    assert latest(inventory).result_item == "late"


@pytest.mark.parametrize("hangs", [False, True])
def test_an_owner_who_has_lost_contact_is_told(sqlite_url: str, lake: MakeInventory, hangs: bool) -> None:
    inventory = lake(sqlite_url)
    goes_on = threading.Event()

    def heartbeat(claim_token: str, lease_seconds: Any) -> None:
        if hangs:
            goes_on.wait(PATIENCE)
        raise Unavailable("no route")

    inventory.heartbeat = heartbeat  # type: ignore[method-assign]
    told: list[BatchintoryError] = []
    lost = threading.Event()
    batch = claim(inventory, lease_seconds=2)
    batch.when_lost(told.append)
    batch.when_lost(lambda _: lost.set())
    assert not batch.is_lost
    assert lost.wait(PATIENCE)
    assert batch.is_lost
    assert [type(error) for error in told] == [LeaseOver]
    # Whoever asks late is told at once.
    batch.when_lost(told.append)
    assert len(told) == 2
    goes_on.set()


def test_what_can_never_be_kept_fails_its_batch(lake: MakeInventory) -> None:
    inventory = lake(on_server("postgresql", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"))
    with pytest.raises(InvalidRequest, match="can never store"):
        claim(inventory).process(lambda items: "\u2603")
    assert latest(inventory).status == "failed"
    assert "can never store" in latest(inventory).log

    def cold(items: list[str | None]) -> None:
        raise ValueError("\u2603")

    with pytest.raises(ValueError, match="\u2603"):
        claim(inventory).process(cold)
    assert latest(inventory).status == "failed"
    assert "can never store" in latest(inventory).log


def test_pages_end_by_bytes(sqlite_url: str, lake: MakeInventory, engine_of: Callable[[str], Engine]) -> None:
    inventory = lake(sqlite_url, range(1, 401), limits=Limits(memory_bytes=16 << 20))
    with engine_of(sqlite_url).begin() as connection:
        connection.execute(text("UPDATE files SET item = hex(zeroblob(100000))"))
    batch = claim(inventory, count=None)
    pages = [[len(item.item or "") for item in page] for page in batch.pages()]
    # Those that come with the claim have less than a page together.
    assert pages == [[200_000] * 5] + [[200_000] * 6] * 65 + [[200_000] * 5]
    assert [item.uid for item in batch.records] == list(range(1, 401))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pymysql", "mysqldb"])
def test_what_takes_too_long_is_ended_in_the_database(
    lake: MakeInventory, engine_of: Callable[[str], Engine], driver: str
) -> None:
    system = "mysql" if "mysql" in driver else "postgresql"
    url = on_server(system)
    lake(url)
    # Works on where a server that waits would see that its client has gone.
    long = "benchmark(1000000000000, sha2(item, 512)) = 0"
    if system == "postgresql":
        long = "(SELECT count(*) FROM generate_series(1, 1000000000000)) = 0"
    with engine_of(url).begin() as connection:
        connection.execute(text(f"CREATE VIEW busy AS SELECT uid, item, weight FROM files WHERE {long}"))
    separator = "&" if "?" in url else "?"
    with (
        Inventory(sqlalchemy_url(url, driver) + f"{separator}statement_timeout=500") as inventory,
        engine_of(url).connect() as connection,
    ):
        with pytest.raises(Unavailable, match="no answer within 500 ms"):
            inventory.plan(AcquireRequest("busy", "job"))
        latest = time.monotonic() + PATIENCE
        while found := connection.execute(text(_BUSY[system])).all():
            if time.monotonic() > latest:
                for (number,) in found:
                    connection.execute(text(_KILL[system].format(number)))
                pytest.fail("the server works on")
            # What a transaction has seen of sessions stays.
            connection.rollback()
            time.sleep(0.01)


#: Sessions that read the view.
_BUSY = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() "
    "AND query LIKE '%busy%' AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND info LIKE '%busy%' "
    "AND id <> connection_id()",
}

_KILL = {"postgresql": "SELECT pg_cancel_backend({})", "mysql": "KILL {}"}

#: How many sessions wait for a lock.
_WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "mysql": "SELECT count(*) FROM information_schema.processlist "
    "WHERE db = database() AND state LIKE 'Waiting for%lock'",
}


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pymysql"])
def test_a_statement_has_a_time_limit(
    lake: MakeInventory, engine_of: Callable[[str], Engine], driver: str
) -> None:
    system = "mysql" if driver == "pymysql" else "postgresql"
    url = on_server(system)
    lake(url)
    separator = "&" if "?" in url else "?"
    inventory = Inventory(sqlalchemy_url(url, driver) + f"{separator}statement_timeout=500")
    with engine_of(url).connect() as connection:
        connection.execute(text("LOCK TABLES files WRITE" if system == "mysql" else "LOCK TABLE files"))
        with pytest.raises(Unavailable, match="no answer within 500 ms"):
            inventory.plan(request_of())
        # The server does not work on for nobody.
        while connection.execute(text(_WAITING[system])).scalar_one():
            time.sleep(0.01)
        if system == "mysql":
            connection.execute(text("UNLOCK TABLES"))
    # What comes after it does not suffer.
    assert claim(inventory).items[0] == "file-1"
    inventory.close()
