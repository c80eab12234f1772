"""The examples run on clusters of this machine, and end with every item exactly once."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from conftest import on_server, sqlalchemy_url
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from batchintory import HistoryQuery, Inventory

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = 60


@pytest.fixture
def python() -> str:
    given = os.environ.get("BATCHINTORY_TEST_EXAMPLES_PYTHON")
    if not given:
        pytest.fail(
            "no Python to run the examples with: run `cargo xtask test`, or set BATCHINTORY_TEST_EXAMPLES_PYTHON "
            "to one that has batchintory and what examples/requirements.txt lists"
        )
    return given


def lake(engine: Engine, folder: Path) -> int:
    """Writes files and lists them; gives back how many lines they have."""
    rows = []
    for uid in range(FILES):
        path = folder / f"file-{uid}.txt"
        path.write_text("a line\n" * (uid % 7 + 1))
        rows.append({"uid": uid, "item": str(path), "weight": path.stat().st_size})
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE files (uid bigint PRIMARY KEY, item varchar(200), weight double precision)")
        )
        connection.execute(text("INSERT INTO files VALUES (:uid, :item, :weight)"), rows)
    return sum(uid % 7 + 1 for uid in range(FILES))


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
    with Inventory(url) as inventory:
        attempts = inventory.history(HistoryQuery(limit=1000))
        assert {attempt.status for attempt in attempts} == {"succeeded"}
        counted = Counter(Path(path).name for attempt in attempts for path in attempt.result_item)
    assert counted == Counter(f"file-{uid}.txt" for uid in range(FILES))
