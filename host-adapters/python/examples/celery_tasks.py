"""Counts the lines of files with Celery: one process claims batches, and workers get their claim tokens.

LAKE_URL names the inventory's database, CELERY_BROKER_URL the broker. Workers are started by

    celery --app celery_tasks worker

and `python celery_tasks.py` claims all that there is, as often as it is run.
"""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

from batchintory import AcquireRequest, Inventory, Superseded

app = Celery("batches")
app.conf.update(
    # A message is gone when its batch has ended, and comes again when its worker dies.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # No worker keeps batches waiting that another could work on.
    worker_prefetch_multiplier=1,
)


def lines_of(paths: list[str | None]) -> dict[str, int]:
    """What becomes of a batch."""
    return {str(path): Path(str(path)).read_text().count("\n") for path in paths}


@app.task(ignore_result=True)
def count(claim_token: str) -> None:
    """Works on one batch, and ends it."""
    with Inventory(os.environ["LAKE_URL"]) as inventory:
        try:
            batch = inventory.batch(claim_token)
        except Superseded:
            return  # The message came again though the batch has ended, or somebody else has it.
        batch.process(lines_of)


def main() -> None:
    """Claims what there is. The lease is longer than a batch waits for a worker."""
    request = AcquireRequest("files", "celery", max_count=4, lease_seconds=3600)
    with Inventory(os.environ["LAKE_URL"]) as inventory:
        inventory.migrate()
        while batch := inventory.acquire(request):
            count.delay(batch.hand_over())


if __name__ == "__main__":
    main()
