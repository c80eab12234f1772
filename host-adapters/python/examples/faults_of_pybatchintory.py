"""Shows what pybatchintory 0.0.8 does with some tables, to compare with batchintory.

    python faults_of_pybatchintory.py pybatchintory [postgresql+psycopg2://user:password@host/database]
    python faults_of_pybatchintory.py batchintory [the same]

Run it once in an environment with the one package, and once with the other: apart from the import and the making
of the inventory's table the program is the same. Without a URL each table is made in an SQLite file of its own.
Prints a JSON object: what was handed out in each case.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import create_engine, text

#: How often batches are asked for at most.
ROUNDS = 20


class Case:
    """A table with these ids, in a database of its own (or tables that are made anew)."""

    def __init__(self, name: str, url: str | None, ids: list[int], weight: float = 10) -> None:
        self.package: Any = importlib.import_module(name)
        self.url = url or f"sqlite:///{tempfile.mkdtemp()}/lake.sqlite"
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for table in ("files", "inventory"):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
            if engine.dialect.name == "postgresql":
                connection.execute(text("DROP TYPE IF EXISTS status_enum"))
            connection.execute(
                text("CREATE TABLE files (uid integer PRIMARY KEY, item varchar(20), weight float)")
            )
            for uid in ids:
                connection.execute(text(f"INSERT INTO files VALUES ({uid}, 'file-{uid}', {weight})"))
        engine.dispose()
        self.package.configure(settings={"INVENTORY_CONN": self.url})
        if name == "pybatchintory":
            sql: Any = importlib.import_module("pybatchintory.sql")
            importlib.import_module("pybatchintory.sql.reflection").autoload_meta_table.cache_clear()
            sql.db.initialize_metadata_backend()
        else:
            self.package.migrate()

    def hand_out(self, **request: Any) -> list[Any]:
        """The items of one batch after the other, until nothing is left or something breaks."""
        found: list[Any] = []
        for _ in range(ROUNDS):
            try:
                batch = self.package.acquire_batch("job", "files", **request)
            except Exception as error:
                return [*found, f"{type(error).__name__}: {str(error).splitlines()[0]}"]
            if batch is None:
                break
            found.append(list(batch.items))
            batch.succeeded()
        return found


def at_once(case: Case, workers: int = 8) -> dict[str, int]:
    """What happens to 80 items when 8 threads claim batches of one item at the same moment."""
    start = threading.Barrier(workers)
    items: list[str] = []
    errors: list[str] = []

    def work() -> None:
        start.wait()
        for _ in range(10):
            try:
                batch = case.package.acquire_batch("job", "files", batch_count=1)
            except Exception as error:
                errors.append(type(error).__name__)
                continue
            if batch is not None:
                items.extend(batch.items)
                batch.succeeded()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "handed out": len(items),
        "handed out more than once": len(items) - len(set(items)),
        "errors": len(errors),
        "NotImplementedError": errors.count("NotImplementedError"),
    }


CASES: dict[str, Callable[[str, str | None], Any]] = {
    "item 0": lambda name, url: Case(name, url, [0, 1, 2]).hand_out(batch_count=2),
    "beyond the upper bound": lambda name, url: Case(name, url, [1, 2, 3, 4, 5]).hand_out(
        batch_count=2, batch_id_max=3
    ),
    "an upper bound of 0": lambda name, url: Case(name, url, [-1, 0, 1, 2]).hand_out(
        batch_count=9, batch_id_min=-1, batch_id_max=0
    ),
    "a last single item": lambda name, url: Case(name, url, [1, 2, 3]).hand_out(batch_count=2, batch_id_min=3),
    "many at once": lambda name, url: at_once(Case(name, url, list(range(1, 81)))),
}


def main() -> None:
    """Prints what was handed out."""
    name, url = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    found = {}
    for case, run in CASES.items():
        # pybatchintory prints what it finds on the way.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found[case] = run(name, url)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
