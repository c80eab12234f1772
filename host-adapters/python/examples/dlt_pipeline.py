"""Counts the lines of files with dlt: each batch is a load package, and ends once its package is loaded.

    python dlt_pipeline.py URL

URL names the inventory's database. The rows go where dlt is told to: here into `lines.duckdb`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt

from batchintory import AcquireRequest, Batch, Inventory

#: The lease is prolonged while a batch is loaded.
REQUEST = AcquireRequest("files", "dlt", max_count=4, lease_seconds=60)


def lines_of(paths: list[str]) -> list[int]:
    """How many lines files have."""
    return [Path(path).read_text().count("\n") for path in paths]


# A batch whose end was lost is loaded once more: its rows take the place of those that are there.
@dlt.resource(name="lines", write_disposition="merge", primary_key="uid")
def lines(batch: Batch) -> Iterator[list[dict[str, Any]]]:
    """A row for each item of a batch."""
    for page in batch.pages():
        counts = lines_of([str(item.item) for item in page])
        yield [
            {"uid": item.uid, "path": item.item, "lines": count, "batch_id": batch.pk}
            for item, count in zip(page, counts, strict=True)
        ]


def load(pipeline: dlt.Pipeline, inventory: Inventory) -> None:
    """Loads what there is."""
    for batch in inventory.batches(REQUEST):
        with batch:
            # What a killed run or a failed batch has left, whose range is handed out again. dlt would load that
            # instead.
            pipeline.abort_packages()
            loaded = pipeline.run(lines(batch))
            batch.succeed({"load_ids": loaded.loads_ids})


def main(url: str) -> None:
    """With one pipeline. Those that work at the same time have names of their own."""
    pipeline = dlt.pipeline("lines", destination=dlt.destinations.duckdb("lines.duckdb"), dataset_name="lake")
    with Inventory(url) as inventory:
        inventory.migrate()
        load(pipeline, inventory)
    with pipeline.sql_client() as client:
        print(client.execute_sql("SELECT sum(lines) FROM lines")[0][0], "lines")


if __name__ == "__main__":
    main(sys.argv[1])
