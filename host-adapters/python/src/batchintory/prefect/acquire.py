"""Claims batches for tasks that are mapped over them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import TaskRun
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from batchintory.errors import InvalidRequest, Superseded
from batchintory.prefect.block import BatchintoryBlock, block_of
from batchintory.records import AcquireRequest


# What it gives is true once.
@task(name="acquire batches", cache_policy=NO_CACHE)
def acquire_batches(block: BatchintoryBlock | str, request: AcquireRequest, batches: int = 1) -> list[str]:
    """A task that claims batches and gives their claim tokens, over which tasks are mapped. It gives fewer where
    less is left, and none where nothing is.

    A retry gives the batches that the try before it claimed. A flow run that is started again claims others.

    A batch whose task never runs is handed out again when its lease is over: so the request must have one that is
    longer than a task waits for its turn.

    :param block: where the inventory is: a :class:`BatchintoryBlock` or its name.
    :param request: what to hand out, and how much of it in each batch. The ``job_identifier`` is the flow run's
        id, unless it is given.
    :param batches: the most to claim.

    >>> @flow
    ... def count_lines():
    ...     count.map(acquire_batches("lake", request, batches=100)).wait()
    """
    if batches < 1:
        raise InvalidRequest(f"batches is {batches}; it must be at least 1")
    if request.lease_seconds is None:
        raise InvalidRequest(
            "the request has no lease_seconds: a batch whose process is killed would never be handed out again"
        )
    run = _task_run()
    if request.job_identifier is None:
        request = replace(request, job_identifier=str(run.flow_run_id or run.id))
    logger = get_run_logger()
    claimed: list[str] = []
    with block_of(block).open() as inventory:
        for number in count(1):
            if len(claimed) == batches:
                break
            try:
                # The run's id stays through all of its tries.
                batch = inventory.acquire(request, f"prefect-{run.id}-{number}")
            except Superseded:
                # An earlier try claimed it, and its lease was over before this one began.
                continue
            if not batch:
                logger.info("No batch is left: %s", batch)
                break
            logger.info("Claimed %r", batch)
            claimed.append(batch.hand_over())
    return claimed


def _task_run() -> TaskRun:
    context = TaskRunContext.get()
    if context is None:
        raise InvalidRequest("acquire_batches is called without Prefect: call the task itself, not its function")
    return context.task_run
