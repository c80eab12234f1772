"""The functions of pybatchintory, by their original names, and inventories that the real one wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import fill, on_server, sqlalchemy_url
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

import batchintory
from batchintory import (
    Batch,
    HistoryQuery,
    InvalidRequest,
    NoSuchTable,
    SettingsError,
    acquire_batch,
    acquire_batches,
    configure,
    original,
)

FAULTS = Path(__file__).parents[1] / "examples" / "faults_of_pybatchintory.py"


@pytest.fixture(autouse=True)
def _unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.upper().startswith(("BATCHINTORY_INVENTORY", "BATCHINTORY_META", "PYBATCHINTORY_")):
            monkeypatch.delenv(name)
    yield
    original._settings = original._inventory = None


@pytest.fixture
def configured(sqlite_url: str, engine_of: Callable[[str], Engine]) -> str:
    fill(engine_of(sqlite_url))
    configure(settings={"INVENTORY_CONN": sqlalchemy_url(sqlite_url)})
    batchintory.migrate()
    return sqlite_url


def latest() -> Any:
    return batchintory.inventory().history(HistoryQuery(limit=1))[0]


def test_a_batch_has_what_it_had(configured: str) -> None:
    batch = acquire_batch(
        "job",
        "files",
        {"uid": "uid", "item": "item", "weight": "weight"},
        "tuesday",
        batch_id_min=20,
        batch_id_max=80,
        batch_weight=35.0,
        batch_count=7,
    )
    assert isinstance(batch, Batch)
    assert (batch.pk, batch.success) == (1, None)
    assert batch.items == ["file-20", "file-21", "file-22"]
    ids = batch.id_range
    assert (ids.id_min, ids.id_max, ids.count, ids.weight) == (20, 22, 3, 30.0)
    batch.succeeded(result={"made": 3}, logging="fine")
    assert batch.success is True
    assert (latest().status, latest().result_item, latest().log) == ("succeeded", {"made": 3}, "fine")
    assert latest().job_identifier == "tuesday"
    with pytest.raises(ValueError, match="already"):
        batch.failed()


def test_a_batch_fails_as_it_did(configured: str) -> None:
    request: dict[str, Any] = {"job": "job", "meta_table_name": "files", "batch_count": 5}
    ends: list[tuple[Callable[[Batch], None], str]] = [
        (lambda batch: batch.failed(ValueError("broken")), "broken"),
        (lambda batch: batch.failed(ValueError("broken"), logging="quite "), "quite broken"),
        (lambda batch: batch.error(ValueError("broken")), "broken"),
        (lambda batch: batch.release(False, {"made": 0}, "by hand"), "by hand"),
    ]
    for end, log in ends:
        batch = acquire_batch(**request, max_attempts=9)
        assert batch is not None
        end(batch)
        assert (batch.success, latest().status, latest().log) == (False, "failed", log)


def test_batches_are_handed_out_one_after_the_other(configured: str) -> None:
    found = []
    for batch in acquire_batches("job", "files", batch_weight=100, iterations=5, lease_seconds=60):
        found.append(batch.process(lambda items: len(items)))
    assert found == [10] * 5
    assert sum(1 for _ in acquire_batches("job", "files", batch_count=25)) == 2
    assert acquire_batch("job", "files") is None


def test_new_options_are_there(configured: str) -> None:
    batch = acquire_batch("job", "files", batch_count=2, filter={"column": "item", "op": "like", "value": "%9"})
    assert batch is not None
    assert batch.items == ["file-9", "file-19"]
    batch.succeed({"path": "nine"})
    follower = acquire_batch("second", "files", source_job="job")
    assert follower is not None
    assert follower.items == ['{"path":"nine"}']
    with pytest.raises(InvalidRequest, match="'size'"):
        acquire_batch("job", "files", {"size": "weight"})


def test_settings_have_an_order(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def table() -> str:
        return original._settings.inventory_table if original._settings else ""

    file = tmp_path / "settings.env"
    file.write_text(f'PYBATCHINTORY_INVENTORY_CONN="{sqlite_url}"\nBATCHINTORY_INVENTORY_TABLE_NAME=of_file\n')
    configure(dot_env=str(file))
    assert table() == "of_file"
    assert batchintory.migrate().created
    monkeypatch.setenv("PYBATCHINTORY_ENV_FILE", str(file))
    configure()
    assert table() == "of_file"
    monkeypatch.setenv("pybatchintory_inventory_table_name", "of_original")
    configure()
    assert table() == "of_original"
    monkeypatch.setenv("BATCHINTORY_INVENTORY_TABLE_NAME", "of_environment")
    configure()
    assert table() == "of_environment"
    configure(settings={"inventory_table_name": "given", "INVENTORY_CONN_SCHEMA": "ma.in"})
    assert table() == '"ma.in"."given"'


def test_what_is_set_wrongly_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BATCHINTORY_INVENTORY_CONN"):
        acquire_batch("job", "files")
    with pytest.raises(SettingsError, match="BACKEND_CONN is not known"):
        configure(settings={"BACKEND_CONN": "sqlite://"})
    with pytest.raises(ValueError, match="there is no dot-env file"):
        configure(dot_env=str(tmp_path / "nothing.env"))
    for labels in (
        '["running"]',
        ["runs", "done", "broken"],
        "running, succeeded, failed",
        {"running": "runs"},
        {"running": "a", "succeeded": "b", "failed": "c", "lost": "d"},
        3,
    ):
        with pytest.raises(SettingsError, match="must list the words running, succeeded, failed"):
            configure(settings={"INVENTORY_STATUS_ENUMS": labels})
    with pytest.raises(SettingsError, match="DEBUG"):
        configure(settings={"DEBUG": "perhaps"})
    configure(settings={"INVENTORY_CONN": "sqlite:///with-password", "META_CONN": "with-password"})
    assert "with-password" not in repr(original._settings)


def test_labels_are_those_that_are_set(sqlite_url: str, engine_of: Callable[[str], Engine]) -> None:
    fill(engine_of(sqlite_url))
    labels = {"failed": "broken", "running": "runs", "succeeded": "done"}
    configure(settings={"INVENTORY_CONN": sqlite_url, "INVENTORY_STATUS_ENUMS": labels})
    batchintory.migrate()
    batch = acquire_batch("job", "files")
    assert latest().status == "runs"
    assert batch is not None
    batch.succeeded()
    assert latest().status == "done"


def test_labels_are_read_by_name(sqlite_url: str, engine_of: Callable[[str], Engine]) -> None:
    """In the original, the order of its list means nothing, and there may be others among them."""
    fill(engine_of(sqlite_url))
    labels = '["failed", "cancelled", "running", "succeeded"]'
    configure(settings={"INVENTORY_CONN": sqlite_url, "INVENTORY_STATUS_ENUMS": labels})
    batchintory.migrate()
    batch = acquire_batch("job", "files")
    assert latest().status == "running"
    assert batch is not None
    batch.succeeded()
    assert latest().status == "succeeded"


def python_of_pybatchintory() -> str:
    python = os.environ.get("BATCHINTORY_TEST_PYTHON")
    if not python:
        pytest.fail(
            "no pybatchintory to test with: run `cargo xtask test`, or set BATCHINTORY_TEST_PYTHON to a Python "
            "that has pybatchintory 0.0.8 and psycopg2"
        )
    return python


WRITES = """
import sys
import pybatchintory
from pybatchintory import sql
pybatchintory.configure(settings={"INVENTORY_CONN": sys.argv[1]})
sql.db.initialize_metadata_backend()
pybatchintory.acquire_batch("job", "files", batch_count=5).succeeded(result={"made": 5})
pybatchintory.acquire_batch("job", "files", batch_weight=30.0).failed(ValueError("broken"))
pybatchintory.acquire_batch("job", "files", batch_count=4)
"""


LABELS = '["failed", "running", "succeeded"]'


def test_an_inventory_of_the_original_goes_on(
    url_of_two: str, engine_of: Callable[..., Engine], tmp_path: Path
) -> None:
    fill(engine_of(url_of_two), range(1, 41))
    theirs = sqlalchemy_url(url_of_two, "psycopg2")
    subprocess.run(
        [python_of_pybatchintory(), "-c", WRITES, theirs],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYBATCHINTORY_INVENTORY_STATUS_ENUMS": LABELS},
    )
    other = {"running": "failed", "succeeded": "succeeded", "failed": "broken"}
    configure(settings={"INVENTORY_CONN": theirs, "INVENTORY_STATUS_ENUMS": other})
    with pytest.raises(InvalidRequest, match='status "running"'):
        batchintory.migrate()
    configure(settings={"INVENTORY_CONN": theirs, "INVENTORY_STATUS_ENUMS": LABELS})
    with pytest.raises(batchintory.BatchintoryError, match="migrate"):
        acquire_batch("job", "files", batch_count=5)
    assert batchintory.migrate().upgraded
    batch = acquire_batch("job", "files", batch_count=5)
    assert batch is not None
    assert (batch.pk, batch.items[0]) == (4, "file-13")
    (failed,) = batchintory.inventory().history(HistoryQuery(queue="exhausted"))
    assert (failed.id_start, failed.log) == (6, "broken")
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(
            [python_of_pybatchintory(), "-c", WRITES, theirs], check=True, capture_output=True, cwd=tmp_path
        )


ATTACHED = """
import sys
import pybatchintory
from pybatchintory import sql
from sqlalchemy import event
url, file = sys.argv[1:]
pybatchintory.configure(settings={"INVENTORY_CONN": url, "INVENTORY_CONN_SCHEMA": "jobs"})
event.listen(sql.db.engine_inventory, "connect", lambda new, _: new.execute("ATTACH ? AS jobs", (file,)))
sql.db.initialize_metadata_backend()
pybatchintory.acquire_batch("job", "files", batch_count=5).succeeded(result={"made": 5})
pybatchintory.acquire_batch("job", "files", batch_count=5).failed(ValueError("broken"))
"""


@pytest.mark.parametrize("is_upgraded", [True, False])
def test_an_inventory_lies_in_an_attached_schema(
    is_upgraded: bool, sqlite_url: str, engine_of: Callable[[str], Engine], tmp_path: Path
) -> None:
    """As in the tests of the original; here each connection must have it."""
    engine = engine_of(sqlite_url)
    fill(engine)
    file = str(tmp_path / "jobs.sqlite")
    if is_upgraded:
        arguments = [sqlalchemy_url(sqlite_url), file]
        subprocess.run([python_of_pybatchintory(), "-c", ATTACHED, *arguments], check=True, cwd=tmp_path)
    engine.dispose()  # Its connections so far do not have the schema.
    event.listen(engine, "connect", lambda new, _: new.execute("ATTACH ? AS jobs", (file,)))
    configure(settings={"INVENTORY_CONN": engine, "INVENTORY_CONN_SCHEMA": "jobs"})
    assert batchintory.migrate().upgraded is is_upgraded
    assert not batchintory.migrate().created
    first = 11 if is_upgraded else 1
    batch = acquire_batch("job", "files", batch_count=5)
    assert batch is not None
    assert batch.items[0] == f"file-{first}"
    # A number, which SQLite would round in a column of pybatchintory.
    result = Decimal("0.30000000000000000000000000001")
    batch.succeeded(result)
    assert latest().result_item == result
    with engine.connect() as connection:
        (tables,) = connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name LIKE 'inventory%'"))
        assert tuple(tables) == (0,)
        (indexes,) = connection.execute(
            text("SELECT count(*) FROM jobs.sqlite_master WHERE tbl_name = 'inventory' AND type = 'index'")
        )
        assert tuple(indexes) == (6,)


def run_faults(python: str, package: str, *url: str, folder: Path) -> dict[str, Any]:
    # From its text: beside it lies a folder by another package's name for nobody to import.
    printed = subprocess.check_output(
        [python, "-c", FAULTS.read_text(), package, *url], text=True, stderr=subprocess.DEVNULL, cwd=folder
    )
    found: dict[str, Any] = json.loads(printed)
    return found


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_the_original_s_faults_are_not_copied(system: str, tmp_path: Path) -> None:
    url = [] if system == "sqlite" else [sqlalchemy_url(on_server("postgresql"), "psycopg2")]
    theirs = run_faults(python_of_pybatchintory(), "pybatchintory", *url, folder=tmp_path)
    ours = run_faults(sys.executable, "batchintory", *url, folder=tmp_path)
    assert theirs["item 0"] == [["file-1", "file-2"]]
    assert ours["item 0"] == [["file-0", "file-1"], ["file-2"]]
    assert theirs["beyond the upper bound"] == [["file-1", "file-2"], ["file-3"], ["file-4"], ["file-5"]]
    assert ours["beyond the upper bound"] == [["file-1", "file-2"], ["file-3"]]
    assert theirs["an upper bound of 0"] == [["file-1", "file-2"]]
    assert ours["an upper bound of 0"] == [["file--1", "file-0"]]
    assert theirs["a last single item"] == []
    assert ours["a last single item"] == [["file-3"]]
    # How often it happens is by chance, that it happens is not.
    assert theirs["many at once"]["NotImplementedError"] + theirs["many at once"]["handed out more than once"] > 0
    assert ours["many at once"] == {
        "handed out": 80,
        "handed out more than once": 0,
        "errors": 0,
        "NotImplementedError": 0,
    }


def test_a_missing_inventory_is_told(sqlite_url: str) -> None:
    configure(settings={"INVENTORY_CONN": sqlite_url})
    with pytest.raises(NoSuchTable, match="migrate"):
        acquire_batch("job", "files")
