"""The examples run on clusters of this machine, and end with every item exactly once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import on_server, sqlalchemy_url
from sqlalchemy import create_engine
from text_files import attempts, counted_once, lake

EXAMPLES = Path(__file__).parents[1] / "examples"


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
    if system == "sqlite":
        url = f"sqlite:///{tmp_path / 'lake.sqlite'}"
    else:
        url = sqlalchemy_url(on_server("postgresql"))
    lines = lake(create_engine(url), tmp_path)
    ran = subprocess.run(
        [python, str(EXAMPLES / f"{example}.py"), url], text=True, capture_output=True, check=False, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr[-5000:]
    assert ran.stdout.splitlines()[-1] == f"{lines} lines"
    assert {attempt.status for attempt in attempts(url)} == {"succeeded"}
    assert counted_once(url) == lines
