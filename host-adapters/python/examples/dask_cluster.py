"""Counts the lines of files on a Dask cluster: each worker claims batches until nothing is left.

python dask_cluster.py postgresql://user:password@host/database
"""

from __future__ import annotations

import sys
from pathlib import Path

from dask.distributed import Client, LocalCluster

from batchintory import AcquireRequest, Inventory

WORKERS = 3


def work(url: str) -> int:
    """Runs in a process of the cluster. A worker that dies loses its batch after a minute, to another one."""
    request = AcquireRequest("files", "dask", max_count=4, lease_seconds=60)
    lines = 0
    with Inventory(url) as inventory:
        for batch in inventory.batches(request):
            with batch:
                counted = {path: Path(str(path)).read_text().count("\n") for path in batch.items}
                batch.succeed(counted)
                lines += sum(counted.values())
    return lines


def main(url: str) -> None:
    """Works on a cluster on this machine; `Client("tcp://scheduler:8786")` takes another one."""
    with Inventory(url) as inventory:
        inventory.migrate()
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            # Each call claims by itself: equal calls are not one.
            futures = [client.submit(work, url, pure=False) for _ in range(WORKERS)]
            print(sum(client.gather(futures)), "lines")


if __name__ == "__main__":
    main(sys.argv[1])
