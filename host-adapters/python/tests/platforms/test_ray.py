"""The recipe for Ray, on a cluster of this machine whose workers are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from text_files import EXAMPLES, attempts, counted_once, lake, lake_url, programs_path

#: The recipe, whose work kills its process once.
FAULTS = """
import sys
from pathlib import Path
import ray_tasks
from killed_once import killed_once
lines_of = killed_once(ray_tasks.lines_of, Path(sys.argv[2]))

@ray_tasks.ray.remote(max_retries=3)
def count(batch):
    return sum(batch.process(lines_of).values())

ray_tasks.count = count
ray_tasks.main(sys.argv[1])
"""


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
@pytest.mark.parametrize("is_killed", [False, True])
def test_each_item_is_counted_once(system: str, is_killed: bool, tmp_path: Path) -> None:
    url = lake_url(system, tmp_path)
    lines = lake(create_engine(url), tmp_path)
    program = ["-c", FAULTS] if is_killed else [str(EXAMPLES / "ray_tasks.py")]
    ran = subprocess.run(
        [sys.executable, *program, url, *([str(tmp_path)] * is_killed)],
        env={**os.environ, "PYTHONPATH": programs_path()},
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-10_000:]
    assert ran.stdout.splitlines()[-1] == f"{lines} lines"
    assert counted_once(url) == lines
    assert {(attempt.status, attempt.attempt) for attempt in attempts(url)} == {("succeeded", 1)}
    if is_killed:
        assert (tmp_path / "killed").exists()
        assert len(list(tmp_path.glob("worker-*"))) >= 2
