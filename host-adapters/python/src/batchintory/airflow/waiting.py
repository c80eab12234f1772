"""Whether batches wait to be handed out."""

from __future__ import annotations

from batchintory.inventory import Inventory
from batchintory.records import AcquireRequest, JobsQuery


def batches_wait(inventory: Inventory, request: AcquireRequest, batches: int) -> bool:
    """Whether there are enough new batches, or one that is to be handed out again."""
    jobs = inventory.jobs(JobsQuery(meta_table=request.meta_table, job=request.job))
    if any(job.waiting for job in jobs):
        return True
    return len(inventory.plan(request, batches).batches) >= batches
