"""Counts the lines of files with Ray: the driver claims batches, and each goes to a task.

python ray_tasks.py postgresql://user:password@host/database
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import ray

from batchintory import AcquireRequest, Batch, Inventory

#: Batches that wait or are worked on at once.
AT_ONCE = 8


def lines_of(paths: list[str | None]) -> dict[str, int]:
    """What becomes of a batch."""
    return {str(path): Path(str(path)).read_text().count("\n") for path in paths}


@ray.remote(max_retries=3)
def count(batch: Batch) -> int:
    """Works on one batch, in a process of the cluster. Once that has died, Ray sends the same batch again."""
    return sum((batch.process(lines_of) or {}).values())  # None where the rows of a range are gone.


def main(url: str) -> None:
    """Works until nothing is left; `ray.init("auto")` takes a cluster that is there."""
    request = AcquireRequest("files", "ray", max_count=4, lease_seconds=3600)
    lines = 0
    running: list[Any] = []
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with Inventory(url) as inventory:
        inventory.migrate()
        while True:
            batch = inventory.acquire(request) if len(running) < AT_ONCE else None
            if batch:
                running.append(count.remote(batch))
                continue
            if not running:
                break
            done, running = ray.wait(running)
            lines += sum(ray.get(done))
    ray.shutdown()
    print(lines, "lines")


if __name__ == "__main__":
    main(sys.argv[1])
