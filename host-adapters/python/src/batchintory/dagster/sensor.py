"""A sensor that claims batches, and requests a run for each."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from dagster import (
    RunConfig,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
)

from batchintory.batch import Batch
from batchintory.dagster.resource import BatchintoryResource
from batchintory.dagster.tags import SENSOR_NAME, tags_of, unfinished
from batchintory.errors import InvalidRequest, Superseded
from batchintory.inventory import Inventory
from batchintory.records import AcquireRequest, Nothing


def build_batch_sensor(
    request: AcquireRequest,
    *,
    name: str,
    batches: int = 1,
    runs: int | None = None,
    run_config: RunConfig | Mapping[str, Any] | None = None,
    run_tags: Mapping[str, str] | None = None,
    resource_key: str = "batchintory",
    **options: Any,
) -> SensorDefinition:
    """Makes a sensor that claims batches, and requests a run for each. The run takes its batch up by
    :meth:`BatchintoryResource.batch`.

    A run's key is the claim token of its batch, which its tag ``batchintory/claim_token`` has, too. The claim
    tokens are made of the sensor's cursor, which changes with the run requests. So whenever the daemon or the
    code location dies between a claim and its run, the next tick has the same cursor, and gets the same batches
    by the same tokens; and Dagster starts no second run with a key for which there is one. A sensor's first tick
    only sets the cursor.

    A batch whose run never begins, or is killed, is handed out again when its lease is over. So the request must
    have one that is longer than a run waits for its turn: ``runs`` keeps the queue short.

    :param request: what to hand out, and how much of it in each batch. The ``job_identifier`` is the sensor's
        name, unless it is given.
    :param name: the sensor's.
    :param batches: the most that a tick claims.
    :param runs: nothing is claimed while this number of the sensor's runs have not ended.
    :param run_config: that of each run.
    :param run_tags: more tags of each run. By ``dagster/max_retries`` Dagster may start a run again whose process
        has died; with the same batch, while it has its lease.
    :param resource_key: that of the :class:`BatchintoryResource`.
    :param options: those of :class:`dagster.SensorDefinition`: ``job`` or ``target``,
        ``minimum_interval_seconds``, ``default_status`` and others.

    >>> request = AcquireRequest("files", "count", max_count=100, lease_seconds=timedelta(hours=1))
    >>> sensor = build_batch_sensor(request, name="batches", job=count_lines, batches=10, runs=20)
    """
    _check(request, batches, runs)
    request = replace(request, job_identifier=request.job_identifier or name)

    def evaluate(context: SensorEvaluationContext) -> SensorResult:
        cursor = secrets.token_hex(16)
        if not context.cursor:
            # Nothing is claimed by a token that would be lost with this tick.
            return SensorResult(skip_reason="The first tick claims nothing.", cursor=cursor)
        free = batches if runs is None else runs - len(unfinished(context.instance, SENSOR_NAME, name))
        if free < 1:
            return SensorResult(skip_reason=f"At least {runs} runs have not ended.")
        resource: BatchintoryResource = getattr(context.resources, resource_key)
        with resource.open() as inventory:
            claimed = list(_claim(inventory, request, context.cursor, min(batches, free)))
        requests = [
            RunRequest(each.claim_token, run_config, {**tags_of(each), **(run_tags or {})})
            for each in claimed
            if isinstance(each, Batch)
        ]
        if not requests:
            return SensorResult(skip_reason=f"No batch is left: {claimed[0]}", cursor=cursor)
        return SensorResult(run_requests=requests, cursor=cursor)

    return SensorDefinition(name, evaluation_fn=evaluate, required_resource_keys={resource_key}, **options)


def _check(request: AcquireRequest, batches: int, runs: int | None) -> None:
    for name, value in (("batches", batches), ("runs", runs)):
        if value is not None and value < 1:
            raise InvalidRequest(f"{name} is {value}; it must be at least 1")
    if request.lease_seconds is None:
        raise InvalidRequest(
            "the request has no lease_seconds: a batch whose run is killed would never be handed out again"
        )


def _claim(inventory: Inventory, request: AcquireRequest, cursor: str, most: int) -> Iterator[Batch | Nothing]:
    """Up to ``most`` batches; where there are fewer, why there are no more."""
    for number in count(1):
        try:
            acquired = inventory.acquire(request, f"dagster-{cursor}-{number}")
        except Superseded:
            # A tick that was lost behind it has claimed it, and its run is over.
            continue
        if acquired:
            acquired.hand_over()
        yield acquired
        most -= 1
        if not acquired or most < 1:
            return
