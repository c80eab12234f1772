"""Counts the lines of files with Prefect: a flow claims batches, and a task is mapped over them.

The block `lake` says where the inventory is, whose table is made by `batchintory migrate`. It is saved once:

    BatchintoryBlock(url="postgresql://…").save("lake")

`python prefect_flow.py` runs the flow here; Prefect's deployments run it anywhere, several of them at once.
"""

from datetime import timedelta
from pathlib import Path

from prefect import flow

from batchintory import AcquireRequest, Batch
from batchintory.prefect import acquire_batches, batch_task

#: The lease is longer than a batch waits for its task.
REQUEST = AcquireRequest("files", "prefect", max_count=4, lease_seconds=timedelta(hours=1))


def lines_of(paths: list[str | None]) -> dict[str, int]:
    """What becomes of a batch."""
    return {str(path): Path(str(path)).read_text().count("\n") for path in paths}


@batch_task(block="lake", retries=2, retry_delay_seconds=30)
def count(batch: Batch) -> dict[str, int]:
    """What it returns is the batch's result in the inventory, and the task's in Prefect."""
    return lines_of(batch.items)


@flow
def count_lines(batches: int = 100) -> int:
    """Takes up to so many batches."""
    counted = count.map(acquire_batches("lake", REQUEST, batches)).result()
    return sum(lines for counts in counted for lines in counts.values())


if __name__ == "__main__":
    print(count_lines(), "lines")
