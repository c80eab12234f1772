"""Files with lines, as the programs of the examples count them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from conftest import on_server, sqlalchemy_url
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from batchintory import Attempt, HistoryQuery, Inventory

FILES = 60
EXAMPLES = Path(__file__).parents[1] / "examples"


def programs_path(*more: Path) -> str:
    """Where programs find the examples, and what kills their workers: for ``PYTHONPATH``."""
    return os.pathsep.join(map(str, [EXAMPLES, Path(__file__).parent / "faults", *more]))


def lake_url(system: str, folder: Path) -> str:
    """The URL of an empty database of this system."""
    if system == "sqlite":
        return f"sqlite:///{folder / 'lake.sqlite'}"
    return sqlalchemy_url(on_server(system))


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


def prepared(folder: Path) -> str:
    """The URL of an inventory in SQLite beside a meta table of files."""
    url = lake_url("sqlite", folder)
    lake(create_engine(url), folder)
    with Inventory(url) as inventory:
        inventory.migrate()
    return url


def let_leases_be_over(url: str) -> None:
    """Of all batches that run."""
    with create_engine(url).begin() as connection:
        connection.execute(text("UPDATE inventory SET lease_expires = processing_start WHERE queue = 'running'"))


def attempts(url: str, job: str | None = None) -> list[Attempt]:
    """All attempts, in the order in which they were begun."""
    with Inventory(url) as inventory:
        return list(inventory.history(HistoryQuery(job=job, limit=1000)))[::-1]


def statuses(url: str) -> list[tuple[int, int, str]]:
    """The first id, the number and the status of each attempt."""
    return [(each.id_start, each.attempt, each.status) for each in attempts(url)]


def counted_once(url: str, job: str | None = None) -> int:
    """Makes sure that each file was counted once, by attempts that have succeeded; gives back all lines."""
    counts = [attempt.result_item for attempt in attempts(url, job) if attempt.status == "succeeded"]
    counted = Counter(Path(path).name for count in counts for path in count)
    assert counted == Counter(f"file-{uid}.txt" for uid in range(FILES))
    return sum(lines for count in counts for lines in count.values())
