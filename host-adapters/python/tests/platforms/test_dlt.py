"""The recipe for dlt, whose process is killed before, in and behind the load of a batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine
from text_files import EXAMPLES, FILES, attempts, lake, lake_url, let_leases_be_over, programs_path

from batchintory import IdRange, Inventory

#: The recipe, which is killed once, in its third batch: by a call of the pipeline, before or behind it. Its rows
#: may go into files, where nothing is merged.
FAULTS = """
import os, signal, sys
from pathlib import Path
import dlt
import dlt_pipeline

url, step, when, destination = sys.argv[1:]
call, calls = getattr(dlt.Pipeline, step), []

def killed(self, *arguments, **named):
    calls.append(step)
    is_its_time = len(calls) == 3 and not Path("killed").exists()
    for_now = call(self, *arguments, **named) if when == "behind" or not is_its_time else None
    if is_its_time:
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return for_now

setattr(dlt.Pipeline, step, killed)
if destination == "filesystem":
    dlt_pipeline.lines.apply_hints(write_disposition="append")
    pipeline = dlt.pipeline("lines", destination=dlt.destinations.filesystem("lake"), dataset_name="lake")
    with dlt_pipeline.Inventory(url) as inventory:
        inventory.migrate()
        dlt_pipeline.load(pipeline, inventory)
else:
    dlt_pipeline.main(url)
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": programs_path(),
        "DLT_DATA_DIR": str(folder / "dlt"),
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=folder, text=True, capture_output=True, check=False
    )


def loaded(folder: Path) -> list[tuple[int, int, int]]:
    """The rows in DuckDB."""
    with duckdb.connect(str(folder / "lines.duckdb"), read_only=True) as database:
        rows: list[tuple[int, int, int]] = database.sql("SELECT uid, lines, batch_id FROM lake.lines").fetchall()
    return rows


def written(folder: Path) -> list[tuple[int, int, int]]:
    """The rows in files."""
    files = sorted((folder / "lake" / "lake" / "lines").iterdir())
    with duckdb.connect() as database:
        read = database.read_json([str(file) for file in files]).select("uid", "lines", "batch_id")
        rows: list[tuple[int, int, int]] = read.fetchall()
    return rows


def expected() -> Counter[tuple[int, int]]:
    return Counter((uid, uid % 7 + 1) for uid in range(FILES))


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_each_item_is_loaded_once(system: str, tmp_path: Path) -> None:
    url = lake_url(system, tmp_path)
    lines = lake(create_engine(url), tmp_path)
    ran = run(tmp_path, str(EXAMPLES / "dlt_pipeline.py"), url)
    assert ran.returncode == 0, ran.stderr[-10_000:]
    assert ran.stdout.splitlines()[-1] == f"{lines} lines"
    assert Counter((uid, count) for uid, count, _ in loaded(tmp_path)) == expected()
    assert {(attempt.status, attempt.attempt) for attempt in attempts(url)} == {("succeeded", 1)}
    assert len({json.dumps(attempt.result_item) for attempt in attempts(url)}) == FILES // 4


@pytest.mark.parametrize(
    ("step", "when"), [("extract", "before"), ("normalize", "before"), ("load", "before"), ("load", "behind")]
)
def test_a_pipeline_that_is_killed_repeats_and_loses_nothing(step: str, when: str, tmp_path: Path) -> None:
    url = lake_url("sqlite", tmp_path)
    lines = lake(create_engine(url), tmp_path)
    killed = run(tmp_path, "-c", FAULTS, url, step, when, "duckdb")
    assert killed.returncode == -9, killed.stderr[-10_000:]
    assert len(loaded(tmp_path)) == (12 if when == "behind" else 8)
    assert [attempt.status for attempt in attempts(url)] == ["succeeded", "succeeded", "running"]
    let_leases_be_over(url)
    ran = run(tmp_path, "-c", FAULTS, url, step, when, "duckdb")
    assert ran.returncode == 0, ran.stderr[-10_000:]
    assert ran.stdout.splitlines()[-1] == f"{lines} lines"
    assert Counter((uid, count) for uid, count, _ in loaded(tmp_path)) == expected()
    # The lost attempt has no row left.
    succeeded = {attempt.id for attempt in attempts(url) if attempt.status == "succeeded"}
    assert {batch for _, _, batch in loaded(tmp_path)} == succeeded
    assert len(attempts(url)) == FILES // 4 + 1


@pytest.mark.parametrize("when", ["before", "behind"])
def test_in_files_batches_tell_which_rows_count(when: str, tmp_path: Path) -> None:
    url = lake_url("sqlite", tmp_path)
    lake(create_engine(url), tmp_path)
    assert run(tmp_path, "-c", FAULTS, url, "load", when, "filesystem").returncode == -9
    let_leases_be_over(url)
    ran = run(tmp_path, "-c", FAULTS, url, "load", when, "filesystem")
    assert ran.returncode == 0, ran.stderr[-10_000:]
    succeeded = {attempt.id for attempt in attempts(url) if attempt.status == "succeeded"}
    rows = written(tmp_path)
    assert len(rows) == FILES + (4 if when == "behind" else 0)
    assert Counter((uid, lines) for uid, lines, batch in rows if batch in succeeded) == expected()


#: The recipe, whose third package cannot be loaded at first. Its batch is handed out again later.
FAILS = """
import sys
from dataclasses import replace
from pathlib import Path
import dlt
import dlt_pipeline

load, calls = dlt.Pipeline.load, []

def fails_once(self, *arguments, **named):
    calls.append("load")
    if len(calls) == 3 and not Path("failed").exists():
        Path("failed").touch()
        raise OSError("told to fail")
    return load(self, *arguments, **named)

dlt.Pipeline.load = fails_once
dlt_pipeline.REQUEST = replace(dlt_pipeline.REQUEST, retry_delay_seconds=3600)
dlt_pipeline.main(sys.argv[1])
"""


def test_a_batch_whose_package_cannot_be_loaded_fails(tmp_path: Path) -> None:
    url = lake_url("sqlite", tmp_path)
    lake(create_engine(url), tmp_path)
    failed = run(tmp_path, "-c", FAILS, url)
    assert failed.returncode == 1
    assert "told to fail" in failed.stderr
    assert [attempt.status for attempt in attempts(url)] == ["succeeded", "succeeded", "failed"]
    # The others are loaded first.
    assert run(tmp_path, "-c", FAILS, url).returncode == 0
    assert len(loaded(tmp_path)) == FILES - 4
    with Inventory(url) as inventory:
        assert inventory.requeue("files", "dlt", ("ids", [IdRange(8, 11)])) == 1
    assert run(tmp_path, "-c", FAILS, url).returncode == 0
    assert Counter((uid, count) for uid, count, _ in loaded(tmp_path)) == expected()
