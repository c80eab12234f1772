"""The data source for Spark, on this machine: locally, and on a cluster whose driver and executors are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from text_files import EXAMPLES, FILES, attempts, lake, lake_url

from batchintory import AcquireRequest, Inventory

EXAMPLE = EXAMPLES / "spark_stream.py"
FAULTS = Path(__file__).with_name("spark_faults.py")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return lake_url(request.param, tmp_path)


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program of Spark's in a group of processes of its own."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        # Else its workers are those of the Python on the PATH.
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
        start_new_session=True,
    )


def filled(url: str, folder: Path) -> int:
    """Makes the tables; gives back how many lines the files have."""
    lines = lake(create_engine(url), folder)
    with Inventory(url) as inventory:
        inventory.migrate()
    return lines


def test_a_stream_hands_each_item_out_once(url: str, tmp_path: Path) -> None:
    lines = filled(url, tmp_path)
    for _ in range(2):
        ran = run(EXAMPLE, url, tmp_path, folder=tmp_path)
        assert ran.returncode == 0, ran.stderr[-10_000:]
        assert ran.stdout.splitlines()[-1] == f"{lines} lines"
        found = attempts(url)
        # All have ended, the last ones too; the second time there is nothing to do.
        assert {(attempt.status, attempt.attempt) for attempt in found} == {("succeeded", 1)}
        assert sum(attempt.count for attempt in found) == FILES
        assert {attempt.result_item["micro_batch"] for attempt in found} == {1, 2, 3}


@pytest.mark.parametrize("fault", ["driver", "executor"])
def test_each_item_is_written_once_though_one_is_killed(fault: str, url: str, tmp_path: Path) -> None:
    lines = filled(url, tmp_path)
    ran = run(FAULTS, url, tmp_path, fault, folder=tmp_path)
    if fault == "driver":
        assert ran.returncode == -9, ran.stderr[-10_000:]
        assert {attempt.status for attempt in attempts(url)} == {"succeeded", "running"}
        ran = run(FAULTS, url, tmp_path, "none", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr[-10_000:]
    micro_batches = {path.name: json.loads(path.read_text()) for path in tmp_path.glob("micro-batch-*.json")}
    rows = [row for written in micro_batches.values() for row in written]
    counted = Counter(Path(row["item"]).name for row in rows)
    assert counted == Counter(f"file-{uid}.txt" for uid in range(FILES))
    assert sum(row["lines"] for row in rows) == lines
    assert {(attempt.status, attempt.attempt) for attempt in attempts(url)} == {("succeeded", 1)}
    # More than one worker took part.
    assert len({row["executor"] for row in rows}) >= 2
    if fault == "driver":
        before = json.loads((tmp_path / "before-1.json").read_text())
        again = micro_batches["micro-batch-1.json"]
        assert [row | {"executor": 0} for row in before] == [row | {"executor": 0} for row in again]
    else:
        assert (tmp_path / "killed").exists()


READ = """
import sys
from pyspark.sql import SparkSession
from batchintory.spark import BatchintorySource
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.dataSource.register(BatchintorySource)
rows = spark.read.format("batchintory").options(url=sys.argv[1], claim_token=sys.argv[2]).load()
print([(row["uid"], row["batch_id"], row["attempt"]) for row in rows.collect()])
"""


def test_one_batch_is_read_by_its_token(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lake.sqlite'}"
    filled(url, tmp_path)
    with Inventory(url) as inventory:
        batch = inventory.acquire(AcquireRequest("files", "read", max_count=3))
        assert batch
        ran = run("-c", READ, url, batch.claim_token, folder=tmp_path)
        assert ran.returncode == 0, ran.stderr[-10_000:]
        assert ran.stdout.strip() == str([(uid, batch.pk, 1) for uid in range(3)])
        batch.succeed()
