"""Batches and inventories that are sent to other processes, and batches that are taken up by their tokens."""

from __future__ import annotations

import copy
import faulthandler
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from conftest import MakeInventory, claim, latest, nothing_forgotten, request_of, sqlalchemy_url
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url

from batchintory import (
    AcquireRequest,
    Batch,
    BatchReleased,
    Inventory,
    NoSuchBatch,
    PickleError,
    StatusLabels,
    Superseded,
)
from batchintory.opening import arrived

#: Only what hangs takes so long, in seconds, however busy the machine is.
PATIENCE = 600


def work(batch: Batch) -> int:
    """What a process of a pool does with a batch."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    try:
        batch.process(lambda items: {"first": items[0]})
        # It is worked on, and opened, once for all that come.
        assert len(arrived._known) == 1
        return sum(item.uid for item in batch.records)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("method", "system"),
    [("fork", "postgresql"), ("fork", "sqlite"), ("spawn", "postgresql"), ("forkserver", "sqlite")],
)
def test_a_pool_of_processes_works_on_batches(
    method: str, system: str, lake: MakeInventory, request: pytest.FixtureRequest
) -> None:
    inventory = lake(request.getfixturevalue({"postgresql": "postgres_url", "sqlite": "sqlite_url"}[system]))
    with nothing_forgotten(), multiprocessing.get_context(method).Pool(2) as pool:
        sums = pool.map(work, inventory.batches(request_of(20, lease_seconds=600)))
    assert sums == [sum(range(first, first + 20)) for first in range(1, 101, 20)]
    (job,) = inventory.jobs()
    assert (job.succeeded, job.running, job.items) == (5, 0, 100)
    results = {attempt.result_item["first"] for attempt in inventory.history()}
    assert results == {f"file-{first}" for first in range(1, 101, 20)}


def test_a_batch_arrives_with_all_that_is_known_of_it(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    batch = claim(inventory, lease_seconds=600)
    there = pickle.loads(pickle.dumps(batch))
    assert (there.record, there.first_items, there.success) == (batch.record, batch.first_items, None)
    assert there.items == batch.items
    with there:
        assert there._lease is not None
        assert 590 < there._lease.left <= 600
    assert there.success
    # Where it came from it can be ended no more otherwise.
    with pytest.raises(Superseded):
        batch.fail()
    ended = pickle.loads(pickle.dumps(there))
    assert ended.success
    with pytest.raises(BatchReleased):
        ended.succeed()


def test_a_batch_that_arrives_too_late_is_not_worked_on(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    batch = claim(inventory)
    sent = pickle.dumps(batch)
    inventory.requeue("files", "job", ("batch", batch.pk))

    def never(items: list[str | None]) -> None:
        raise AssertionError("somebody else has it")

    with pytest.raises(Superseded, match="taken from its owner"):
        pickle.loads(sent).process(never)


def test_a_batch_whose_lease_is_over_is_taken_up_or_refused(
    url_of_two: str, lake: MakeInventory, engine_of: Callable[[str], Engine]
) -> None:
    inventory = lake(url_of_two)

    def let_leases_run_out() -> None:
        with engine_of(url_of_two).begin() as connection:
            connection.execute(text("UPDATE inventory SET lease_expires = processing_start"))

    token = claim(inventory, lease_seconds=600).hand_over()
    let_leases_run_out()
    batch = inventory.batch(token)
    assert batch._lease is not None
    assert batch._lease.left <= 0
    with batch:
        assert not batch.is_lost
        assert batch._lease.left > 590
    token = claim(inventory, lease_seconds=600).hand_over()
    let_leases_run_out()
    late = inventory.batch(token)
    with claim(inventory) as again:
        assert again.id_range == late.id_range
    with pytest.raises(Superseded), late:
        raise AssertionError("somebody else has it")


def test_a_batch_is_found_by_its_token(url: str, lake: MakeInventory) -> None:
    inventory = lake(url)
    first = claim(inventory, job_identifier="night", lease_seconds=60)
    found = inventory.batch(first.claim_token)
    assert found.record == first.record
    assert found.items == first.items
    assert found.lease_seconds == 60
    found.process(len)
    assert latest(inventory).result_item == 10
    with pytest.raises(Superseded, match='has ended as "succeeded" already'):
        inventory.batch(first.claim_token)
    with pytest.raises(NoSuchBatch, match="claim token"):
        inventory.batch("nobody's")
    assert inventory.batch(claim(inventory).claim_token).lease_seconds is None


def test_an_inventory_is_sent_as_what_it_was_opened_by(sqlite_url: str, lake: MakeInventory) -> None:
    labels = StatusLabels("runs", "done", "broken")
    made = lake(sqlite_url, inventory_table="ours", meta_name="lake", status_labels=labels)
    there = pickle.loads(pickle.dumps(made))
    assert repr(there) == "<Inventory 'ours', not opened yet>"
    with claim(there):
        assert latest(made).status == "runs"
    assert repr(there) == repr(made)
    request = request_of(columns=made.jobs()[0].request.columns)  # type: ignore[union-attr]
    assert pickle.loads(pickle.dumps(request)) == request
    assert isinstance(copy.deepcopy(request), AcquireRequest)
    # By a URL of SQLAlchemy's, with the meta tables elsewhere.
    url = make_url(sqlalchemy_url(sqlite_url))
    both = Inventory(url, url, inventory_table="ours", meta_name="lake", status_labels=labels)
    assert pickle.loads(pickle.dumps(both)).jobs() == made.jobs()


def test_what_cannot_be_opened_elsewhere_is_not_sent(
    sqlite_url: str, lake: MakeInventory, engine_of: Callable[[str], Engine]
) -> None:
    lake(sqlite_url)
    engine = engine_of(sqlite_url)
    with engine.connect() as connection:
        for own, meta, said in [
            (engine, None, r"an? Engine of the program's own \(inventory=…\)"),
            (connection, None, "a Connection of the program's own"),
            (sqlite_url, engine, r"Engine of the program's own \(meta=…\)"),
            ("sqlite::memory:", None, "in memory"),
            (make_url("sqlite://"), None, "in memory"),
            (Path(":memory:"), None, "in memory"),
        ]:
            inventory = Inventory(own, meta)  # type: ignore[arg-type]
            with pytest.raises(PickleError, match=said):
                pickle.dumps(inventory)
    batch = claim(Inventory(engine))
    with pytest.raises(pickle.PicklingError, match=r"inventory\.batch\(claim_token\)"):
        pickle.dumps(batch)
    # It is still this process's.
    with pytest.warns(ResourceWarning, match="was forgotten"):
        del batch


def test_a_password_is_in_no_repr(postgres_url: str, lake: MakeInventory) -> None:
    inventory = lake(postgres_url)
    # One that the server asks for, or else takes no notice of.
    url = make_url(sqlalchemy_url(postgres_url))
    password = url.password or "very-secret"
    url = url.set(password=password)
    with_password = Inventory(url.render_as_string(False))
    batch = with_password.acquire(request_of())
    there = pickle.loads(pickle.dumps((batch, with_password)))
    for shown in (repr(there), repr(batch), repr(with_password), repr(with_password._opening)):
        assert password not in shown
    with pytest.raises(PickleError) as refused:
        pickle.dumps(Inventory(url.render_as_string(False), sqlalchemy.create_engine(url)))
    assert password not in str(refused.value)
    assert inventory.jobs()[0].running == 1


def test_an_inventory_is_opened_where_it_is_needed(tmp_path: Any) -> None:
    inventory = Inventory(tmp_path / "lake.sqlite")
    inventory.migrate()
    there = pickle.loads(pickle.dumps(inventory))
    there.close()
    # By many threads at once, too.
    threads = [threading.Thread(target=there.jobs) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert there.jobs() == []
