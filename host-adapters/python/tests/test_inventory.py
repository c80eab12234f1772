"""All operations, on every database and by whatever the program has of SQLAlchemy."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pytest
from conftest import MakeInventory, Proxy, claim, fill, on_server, request_of, sqlalchemy_url
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.pool import StaticPool

from batchintory import (
    AcquireRequest,
    Batch,
    ConfigurationChanged,
    ConnectError,
    DatabaseRefused,
    HistoryQuery,
    IdRange,
    InvalidRequest,
    Inventory,
    JobsQuery,
    Limits,
    MetaColumns,
    NoSuchBatch,
    NoSuchColumn,
    NoSuchTable,
    Nothing,
    Outcome,
    Superseded,
    TransactionError,
    Unavailable,
    to_json,
)
from batchintory.database import DatabaseError, Databases
from batchintory.driver.news import waits
from batchintory.driver.pooled import PooledDatabase
from batchintory.planner.pool import InstancePool


def test_batches_are_handed_out_until_nothing_is_left(url: str, lake: MakeInventory) -> None:
    inventory = lake(url, range(-3, 40))
    request = request_of(12)
    uids: list[int] = []
    for batch in inventory.batches(request):
        uids += [item.uid for item in batch.records]
        assert batch.items == [f"file-{item.uid}" for item in batch.records]
        batch.succeed({"count": batch.id_range.count, "päth": "schön"})
    assert uids == list(range(-3, 40))
    nothing = inventory.acquire(request)
    assert isinstance(nothing, Nothing)
    assert not nothing
    assert (nothing.reason, nothing.watermark) == ("caught-up", 39)
    latest = inventory.history(HistoryQuery(limit=1))[0]
    assert latest.result_item == {"count": 7, "päth": "schön"}


def test_sources_keep_tables_of_one_name_apart(url: str, lake: MakeInventory) -> None:
    plain = lake(url)
    with Inventory(url, meta_name="other") as named:
        batch = named.acquire(request_of(1))
        assert isinstance(batch, Batch)
        first = plain.acquire(request_of(1))
        assert isinstance(first, Batch)
        assert first.id_range == batch.id_range
        with pytest.raises(InvalidRequest, match='source "other"'):
            plain.items(batch.claim_token, limit=1)


def test_every_operation_answers(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    request = request_of(
        max_weight=95.0,
        filter={
            "all": [
                {"column": "uid", "op": ">", "value": 5},
                {"not": {"column": "item", "op": "like", "value": "%7%"}},
            ]
        },
        hold={"column": "uid", "op": ">=", "value": 90},
        lease_seconds=60,
    )
    assert inventory.warnings(request) == [] or "AUTOINCREMENT" in inventory.warnings(request)[0]
    plan = inventory.plan(request, 2)
    assert [(batch.id_start, batch.count) for batch in plan.batches] == [(6, 9), (16, 9)]
    left = inventory.progress(request)
    assert (left.items, left.at_least) == (76, False)
    first, second = inventory.acquire_many(request, 2)
    assert (first.id_range.id_min, first.id_range.weight) == (6, 90.0)
    inventory.heartbeat(first.claim_token, 120)
    assert len(inventory.items(first.claim_token, after=first.id_range.id_min, limit=3)) == 3
    inventory.complete(first.claim_token, Outcome(True, {"big": 2**62}))
    second.fail(ValueError("broken"))
    audit = inventory.audit("files", "job")
    assert (audit.ranges, audit.differences) == (1, [])
    assert inventory.requeue("files", "job", ("ids", [IdRange(6, 7)])) == 1
    assert inventory.requeue("files", "job", ("exhausted", None)) == 0
    assert inventory.requeue("files", "job", ("batch", first.pk)) == 0 or True
    again = inventory.acquire(request, claim_token="mine")
    assert isinstance(again, Batch)
    assert (again.attempt, again.claim_token) == (2, "mine")
    (job,) = inventory.jobs()
    assert job.request is not None
    assert job.request.filter == request.filter
    logs = {attempt.log for attempt in inventory.history()}
    assert "ValueError: broken" in logs
    dialect = inventory._databases.settings.inventory_dialect
    assert "CREATE TABLE" in inventory.schema_statements(dialect)[0]


def test_errors_have_names_and_say_what_to_do(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    with pytest.raises(NoSuchTable, match="nowhere"):
        inventory.acquire(AcquireRequest("nowhere", "job"))
    with pytest.raises(InvalidRequest, match="max-count"):
        inventory.acquire(request_of(0))
    with pytest.raises(NoSuchBatch):
        inventory.heartbeat("nobody's", 60)
    batch = inventory.acquire(request_of())
    assert isinstance(batch, Batch)
    with pytest.raises(ConfigurationChanged):
        inventory.acquire(request_of(filter={"column": "uid", "op": ">", "value": 1}))
    inventory.requeue("files", "job", ("batch", batch.pk))
    with pytest.raises(Superseded):
        batch.succeed()
    # It did not end, so that it can be told of again.
    assert batch.success is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id_min": 2**63}, "between -9223372036854775808 and 9223372036854775807"),
        ({"max_attempts": -1}, "between 0 and 4294967295, which -1 does not"),
        ({"settle": "sometimes"}, "commit-order"),
        ({"filter": {"column": float("nan")}}, "JSON"),
        ({"job_identifier": 7}, "text is wanted"),
        ({"id_max": True}, "integer is wanted"),
        ({"id_max": 1.5}, "integer is wanted"),
        ({"id_min": "1"}, "integer is wanted, not '1'"),
        ({"max_weight": "1"}, "number is wanted"),
        ({"lease_seconds": timedelta(seconds=1.5)}, "whole seconds"),
        ({"columns": MetaColumns(uid=3)}, "text is wanted"),  # type: ignore[arg-type]
        ({"columns": None}, "missing"),
    ],
)
def test_what_cannot_be_sent_is_an_invalid_request(
    change: dict[str, Any], said: str, sqlite_url: str, lake: MakeInventory
) -> None:
    inventory = lake(sqlite_url)
    (name,) = change
    for call in (inventory.acquire, inventory.plan):
        with pytest.raises(InvalidRequest, match=f"the argument {name}.* {said}") as refused:
            call(request_of(**change))
        assert str(refused.value.field).startswith(name.replace("_", "-"))
    assert isinstance(inventory.acquire(request_of()), Batch)


def test_arguments_may_be_of_any_library(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    request = request_of(
        numpy.int64(10),  # type: ignore[arg-type]
        id_min=numpy.int32(3),
        id_max=90.0,
        max_weight=Decimal(95),
        lease_seconds=timedelta(minutes=1),
        retry_delay_seconds=timedelta(hours=1),
        filter={"column": "uid", "op": "in", "value": {5, 6, numpy.int64(7)}},
    )
    batch = inventory.acquire(request)
    assert isinstance(batch, Batch)
    assert (batch.id_range.id_min, batch.id_range.id_max) == (5, 7)
    inventory.heartbeat(batch.claim_token, timedelta(hours=1))
    (job,) = inventory.jobs()
    assert job.request is not None
    assert (job.request.lease_seconds, job.request.retry_delay_seconds) == (60, 3_600)
    assert json.loads(to_json(request))["lease_seconds"] == 60


def test_points_in_time_may_be_python_s(url: str, lake: MakeInventory, engine_of: Callable[[str], Engine]) -> None:
    inventory = lake(url)
    with engine_of(url).begin() as connection:
        kind = "timestamptz" if url.startswith("postgres") else "datetime"
        connection.execute(text(f"ALTER TABLE files ADD COLUMN made {kind}"))
        connection.execute(text("UPDATE files SET made = '2026-05-17 10:00:00' WHERE uid <= 10"))
        connection.execute(text("UPDATE files SET made = '2026-05-18 10:00:00' WHERE uid > 10"))
    at = datetime(2026, 5, 18, 1, tzinfo=timezone(timedelta(hours=2)))
    for value in (at, at.replace(tzinfo=None), date(2026, 5, 18)):
        condition = {"column": "made", "op": ">=", "value": value, "as": "time"}
        if not url.startswith("sqlite"):
            del condition["as"]
        plan = inventory.plan(request_of(None, filter=condition), 1)
        assert plan.batches[0].id_start == 11
    old = {"column": "made", "op": "older-than-seconds", "value": timedelta(days=1), "as": "time"}
    if not url.startswith("sqlite"):
        del old["as"]
    assert inventory.plan(request_of(None, filter=old), 1).batches[0].id_start == 1


def test_a_file_of_sqlite_may_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "what? a lake.sqlite"
    with Inventory(path) as inventory:
        inventory.migrate()
    assert path.is_file()


def test_an_inventory_is_shown_in_notebooks(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    assert "<td>91</td>" in inventory.plan(request_of())._repr_html_()
    claim(inventory).fail("<script>" + "x" * 1_000)
    shown = inventory.history()._repr_html_()
    assert "<th>log</th>" in shown
    assert "&lt;script&gt;xxx" in shown
    assert "<script" not in shown
    assert len(shown) < 2_000
    assert inventory.history(HistoryQuery(job="none"))._repr_html_() == "<p>none</p>"


def test_threads_share_an_inventory(url: str, lake: MakeInventory) -> None:
    inventory = lake(url, range(1, 301))
    seen: list[int] = []

    def work() -> None:
        for batch in inventory.batches(request_of(7)):
            seen.extend(item.uid for item in batch.records)
            batch.succeed()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 301))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_an_engine_is_used_as_it_is(driver: str) -> None:
    engine = create_engine(sqlalchemy_url(on_server("postgresql"), driver))
    fill(engine)
    with Inventory(engine) as inventory:
        inventory.migrate()
        batch = inventory.acquire(request_of(None, filter={"column": "item", "op": "like", "value": "%-1%"}))
        assert isinstance(batch, Batch)
        assert batch.id_range.count == 12
        batch.succeed({"percent": "%s %(x)s $1 ?"})
        assert inventory.history()[0].result_item == {"percent": "%s %(x)s $1 ?"}
    # Its own connections are as they were.
    with engine.connect() as connection:
        assert connection.get_isolation_level() != "AUTOCOMMIT"


def test_an_engine_of_sqlite_is_used_from_threads(sqlite_url: str, engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(sqlite_url)
    fill(engine)
    inventory = Inventory(engine)
    inventory.migrate()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for batch in inventory.batches(request_of(9)):
                batch.succeed()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert inventory.progress(request_of()).items == 0


def test_sqlite_in_memory_is_shared_with_the_program() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    fill(engine)
    inventory = Inventory(engine)
    inventory.migrate()
    assert sum(batch.id_range.count for batch in inventory.batches(request_of())) == 100
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM inventory")).scalar() == 10


def test_a_connection_is_used_between_its_transactions(url: str, engine_of: Callable[..., Engine]) -> None:
    engine = engine_of(url)
    fill(engine)
    with engine.connect() as connection:
        inventory = Inventory(connection)
        inventory.migrate()
        batch = inventory.acquire(request_of())
        assert isinstance(batch, Batch)
        connection.execute(text("SELECT 1"))
        with pytest.raises(TransactionError, match="commit or roll back first"):
            batch.succeed()
        connection.rollback()
        batch.succeed()
        connection.execute(text("UPDATE files SET weight = 0"))
        connection.rollback()
        assert connection.execute(text("SELECT max(weight) FROM files")).scalar() == 10


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("lake.sqlite", "a URL such as"),
        ("oracle://me:secret@host/db", "oracle"),
        ("postgres://me:secret@127.0.0.1:1/db", "refused"),
        ("mysql://me:secret@127.0.0.1:1/db", "refused"),
        ("postgres://me:secret@host/db?pool_size=0", "pool_size"),
    ],
)
def test_what_cannot_be_opened_is_told(source: str, said: str) -> None:
    with pytest.raises(ConnectError, match=said):
        Inventory(source)
    with pytest.raises(ConnectError, match="int is no database"):
        Inventory(7)  # type: ignore[arg-type]


def test_a_driver_that_is_missing_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, scheme, package in [
        ("psycopg2", "postgresql+psycopg2", "psycopg2-binary"),
        ("pymysql", "mysql+pymysql", "'batchintory[mysql]'"),
        ("MySQLdb", "mysql+mysqldb", "mysqlclient"),
    ]:
        # As if it were not installed.
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConnectError) as caught:
            Inventory(f"{scheme}://127.0.0.1/lake")
        said = f"the module {module} is not installed; `pip install {package}` brings it"
        assert str(caught.value).endswith(said)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(ConnectError, match="not a database"):
        Inventory(f"sqlite:{tmp_path / 'text'}")


def test_a_locked_file_is_waited_for(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    writer = sqlite3.connect(sqlite_url.partition(":")[2], isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, writer.execute, ["COMMIT"])
    timer.start()
    assert isinstance(inventory.acquire(request_of()), Batch)
    timer.join()
    writer.close()


class Busy:
    """A database of the program's own, where every statement meets a deadlock."""

    dialect = "postgresql"
    schema = None

    def __init__(self) -> None:
        self.asked = 0

    def query(self, statement: str, parameters: Any) -> Any:
        self.asked += 1
        raise DatabaseError("refused", "deadlock detected", code="40P01")

    def close(self) -> None:
        pass


def test_passing_conflicts_are_repeated_but_in_a_transaction() -> None:
    busy: Any = Busy()
    with pytest.raises(Unavailable, match=r"too busy.*deadlock detected"):
        Inventory(busy).jobs()
    assert busy.asked == 10
    databases = Databases(busy, busy, may_repeat=False)
    with pytest.raises(Unavailable, match="deadlock detected"):
        InstancePool(Limits()).call(databases, "jobs", (JobsQuery(),))
    assert busy.asked == 11


def test_a_code_means_the_same_whatever_the_driver() -> None:
    class Refusing(Busy):
        code = ""

        def query(self, statement: str, parameters: Any) -> Any:
            raise DatabaseError("refused", "why", code=self.code)

    refusing: Any = Refusing()
    for dialect, code, error in [
        ("postgresql", "42P01", NoSuchTable),
        ("postgresql", "42703", NoSuchColumn),
        ("postgresql", "25006", Unavailable),
        ("postgresql", "57P01", Unavailable),
        ("sqlite", "14", Unavailable),
        ("sqlite", "13", DatabaseRefused),
    ]:
        refusing.dialect, refusing.code = dialect, code
        with pytest.raises(error) as caught:
            Inventory(refusing).jobs()
        assert (caught.value.database, caught.value.database_code) == ("inventory", code)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pymysql"])
def test_connections_that_were_closed_while_idle_are_not_used(driver: str, engine_of: Any) -> None:
    url = on_server("mysql" if driver == "pymysql" else "postgresql")
    fill(engine_of(url))
    with Proxy.before(make_url(sqlalchemy_url(url))) as proxy:
        through = make_url(sqlalchemy_url(url, driver)).set(host="127.0.0.1", port=proxy.port)
        # A pool of ours, and one of the program's.
        for source in (through, engine_of(through, pool_size=3)):
            with Inventory(source) as inventory:
                inventory.migrate()
                for _ in range(20):
                    proxy.cut()
                    inventory.jobs()
            if isinstance(source, Engine):
                connections = [source.connect() for _ in range(3)]
                for connection in connections:
                    connection.close()
                proxy.cut()
                with Inventory(source) as inventory:
                    assert inventory.acquire(request_of())


def test_what_a_server_says_by_itself_is_no_end(postgres_url: str, lake: MakeInventory, engine_of: Any) -> None:
    inventory = lake(postgres_url)
    pool = inventory._databases._both[0]
    assert isinstance(pool, PooledDatabase)
    before = pool._idle[0][0]
    pool.query("LISTEN news", ())
    with engine_of(postgres_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("NOTIFY news"))
    while not waits(before.fileno()):
        pass
    inventory.jobs()
    assert pool._idle[0][0] is before
