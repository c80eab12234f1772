"""The examples run on clusters of this machine, and end with every item exactly once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from text_files import EXAMPLES, attempts, counted_once, lake, lake_url, programs_path


@pytest.fixture
def python() -> str:
    given = os.environ.get("BATCHINTORY_TEST_EXAMPLES_PYTHON")
    if not given:
        pytest.fail(
            "no Python to run the examples with: run `cargo xtask test`, or set BATCHINTORY_TEST_EXAMPLES_PYTHON "
            "to one that has batchintory and what examples/requirements.txt lists"
        )
    return given


@pytest.mark.parametrize("example", ["dask_cluster", "spark_job", "dagster_job"])
@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_every_item_is_processed_once(example: str, system: str, python: str, tmp_path: Path) -> None:
    url = lake_url(system, tmp_path)
    lines = lake(create_engine(url), tmp_path)
    ran = subprocess.run(
        [python, str(EXAMPLES / f"{example}.py"), url], text=True, capture_output=True, check=False, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr[-5000:]
    assert ran.stdout.splitlines()[-1] == f"{lines} lines"
    assert {attempt.status for attempt in attempts(url)} == {"succeeded"}
    assert counted_once(url) == lines


#: The program for Dask, whose work kills its process once.
FAULTS = """
import sys
from pathlib import Path
import dask_cluster
from killed_once import killed_once
lines_of = killed_once(dask_cluster.lines_of, Path.cwd())

def work(batch):
    dask_cluster.lines_of = lines_of
    dask_cluster_work(batch)

dask_cluster_work = dask_cluster.work
dask_cluster.work = work
if __name__ == "__main__":
    dask_cluster.main(sys.argv[1])
"""


def test_a_batch_whose_worker_is_killed_goes_on_in_another(python: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lake.sqlite'}"
    lines = lake(create_engine(url), tmp_path)
    (tmp_path / "faults.py").write_text(FAULTS)
    ran = subprocess.run(
        [python, "faults.py", url],
        env={**os.environ, "PYTHONPATH": programs_path()},
        text=True,
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr[-5000:]
    assert ran.stdout.splitlines()[-1] == f"{lines} lines"
    assert (tmp_path / "killed").exists()
    assert counted_once(url) == lines
    assert {(attempt.status, attempt.attempt) for attempt in attempts(url)} == {("succeeded", 1)}
    # The one that was killed, and others.
    assert len(list(tmp_path.glob("worker-*"))) >= 2
