"""Counts the lines of files on a Dask cluster: the client claims batches, and each goes to a worker.

python dask_cluster.py postgresql://user:password@host/database
"""

from __future__ import annotations

import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster

from batchintory import AcquireRequest, Batch, HistoryQuery, Inventory, Superseded

WORKERS = 3


def lines_of(paths: list[str | None]) -> dict[str, int]:
    """What becomes of a batch."""
    return {str(path): Path(str(path)).read_text().count("\n") for path in paths}


def work(batch: Batch) -> None:
    """Runs in a process of the cluster. When that dies, Dask sends the same batch to another one, and those that
    have ended there, since what they have returned is lost with it. So results are kept in the inventory."""
    try:
        batch.process(lines_of)
    except Superseded:
        pass  # It has ended, or somebody else has it.


def main(url: str) -> None:
    """Works on a cluster on this machine; `Client("tcp://scheduler:8786")` takes another one."""
    # The lease is longer than a batch waits for a worker.
    request = AcquireRequest("files", "dask", max_count=4, lease_seconds=3600)
    with Inventory(url) as inventory:
        inventory.migrate()
        with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster:
            with Client(cluster) as client:
                # No two batches are one, whatever they look like.
                futures = [client.submit(work, batch, pure=False) for batch in inventory.batches(request)]
                client.gather(futures)
        done = inventory.history(HistoryQuery(job="dask", limit=1000))
        print(sum(sum(attempt.result_item.values()) for attempt in done if attempt.result_item), "lines")


if __name__ == "__main__":
    main(sys.argv[1])
