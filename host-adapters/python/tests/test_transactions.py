"""A batch that ends inside the program's transaction: both are committed, or neither."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import MakeInventory, request_of, sqlalchemy_url
from sqlalchemy import text
from sqlalchemy.engine import Engine

from batchintory import Batch, HistoryQuery, Inventory, Superseded, TransactionError

MakeEngine = Callable[..., Engine]


def claim(inventory: Inventory) -> Batch:
    batch = inventory.acquire(request_of(lease_seconds=60))
    assert isinstance(batch, Batch)
    return batch


def status(inventory: Inventory) -> str:
    return inventory.history(HistoryQuery(limit=1))[0].status


@pytest.fixture
def results(engine_of: MakeEngine) -> Callable[[str], Engine]:
    def make(url: str) -> Engine:
        engine = engine_of(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE results (n integer)"))
        return engine

    return make


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(text("SELECT count(*) FROM results")).scalar_one()
        return found


def test_both_are_committed(url: str, lake: MakeInventory, results: Callable[[str], Engine]) -> None:
    inventory, engine = lake(url), results(url)
    with claim(inventory) as batch, engine.begin() as connection:
        connection.execute(text("INSERT INTO results VALUES (7)"))
        batch.succeed({"lines": 7}, connection=connection)
    assert (status(inventory), count(engine)) == ("succeeded", 1)


def test_neither_is_committed(url: str, lake: MakeInventory, results: Callable[[str], Engine]) -> None:
    inventory, engine = lake(url), results(url)
    batch = claim(inventory)
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO results VALUES (7)"))
        batch.succeed(connection=connection)
        connection.rollback()
    assert (status(inventory), count(engine)) == ("running", 0)
    # It has not ended, so that it can end in another way.
    batch.fail("rolled back")
    assert status(inventory) == "failed"


def test_an_error_behind_it_rolls_back_and_fails_the_batch(
    url: str, lake: MakeInventory, results: Callable[[str], Engine]
) -> None:
    inventory, engine = lake(url), results(url)
    with pytest.raises(ZeroDivisionError), claim(inventory) as batch, engine.begin() as connection:
        batch.succeed(connection=connection)
        raise ZeroDivisionError
    assert status(inventory) == "failed"
    # The other way round the transaction is still open when the block ends, and holds the batch's row.
    with pytest.raises(ZeroDivisionError), engine.begin() as connection, claim(inventory) as batch:
        batch.succeed(connection=connection)
        raise ZeroDivisionError
    assert status(inventory) == "running"


def test_who_was_superseded_commits_nothing(
    url: str, lake: MakeInventory, results: Callable[[str], Engine]
) -> None:
    inventory, engine = lake(url), results(url)
    batch = claim(inventory)
    inventory.requeue("files", "job", ("batch", batch.pk))
    with pytest.raises(Superseded), engine.begin() as connection:
        connection.execute(text("INSERT INTO results VALUES (7)"))
        batch.succeed(connection=connection)
    assert count(engine) == 0
    assert claim(inventory).attempt == 2


def test_autocommit_is_refused(url: str, lake: MakeInventory, engine_of: MakeEngine) -> None:
    inventory = lake(url)
    batch = claim(inventory)
    with engine_of(url, isolation_level="AUTOCOMMIT").connect() as connection:
        with pytest.raises(TransactionError, match="in autocommit"):
            batch.succeed(connection=connection)
    batch.succeed()


DIES = """
import os, sys
from batchintory import AcquireRequest, Inventory
from sqlalchemy import create_engine, text
url, when = sys.argv[1:]
batch = Inventory(create_engine(url)).acquire(AcquireRequest("files", "job", max_count=10))
connection = create_engine(url).connect()
connection.execute(text("INSERT INTO results VALUES (7)"))
batch.succeed(connection=connection)
if when == "after":
    connection.commit()
os._exit(9)
"""


@pytest.mark.parametrize(("when", "ends", "rows"), [("before", "running", 0), ("after", "succeeded", 1)])
def test_a_process_that_dies_leaves_both_or_neither(
    when: str,
    ends: str,
    rows: int,
    url: str,
    lake: MakeInventory,
    results: Callable[[str], Engine],
    tmp_path: Path,
) -> None:
    inventory, engine = lake(url), results(url)
    died = subprocess.run([sys.executable, "-c", DIES, sqlalchemy_url(url), when], check=False, cwd=tmp_path)
    assert died.returncode == 9
    assert (status(inventory), count(engine)) == (ends, rows)
