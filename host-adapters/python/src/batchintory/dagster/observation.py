"""A job's lag as an observation of Dagster."""

from __future__ import annotations

from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    DataVersion,
    ObserveResult,
    SourceAsset,
    observable_source_asset,
)

from batchintory.dagster.resource import BatchintoryResource
from batchintory.inventory import CAP, Inventory
from batchintory.records import AcquireRequest, JobProgress, JobsQuery


def build_lag_observation(
    request: AcquireRequest,
    *,
    key: AssetKey | None = None,
    cap: int = CAP,
    resource_key: str = "batchintory",
    **options: Any,
) -> SourceAsset:
    """Makes an observable source asset of the meta table, whose observations tell how far the job is behind:
    ``items_waiting``, which no batch has had, and ``weight_waiting``; ``ranges_waiting`` to be handed out again,
    ``ranges_running`` and ``ranges_exhausted``; ``watermark``, and ``seconds_left`` where it is known. Its data
    version is the highest id that is there to be handed out.

    :param request: what the job hands out.
    :param key: the asset's; by default the meta table's name.
    :param cap: where counting stops; then ``items_waiting_at_least`` is true.
    :param resource_key: that of the :class:`BatchintoryResource`.
    :param options: those of :func:`dagster.observable_source_asset`: ``automation_condition``, ``group_name`` and
        others.

    >>> files = build_lag_observation(request, automation_condition=AutomationCondition.on_cron("@hourly"))
    """

    @observable_source_asset(
        key=key or AssetKey(request.meta_table.split(".")),
        required_resource_keys={resource_key},
        **options,
    )
    def observe(context: AssetExecutionContext) -> ObserveResult:
        resource: BatchintoryResource = getattr(context.resources, resource_key)
        with resource.open() as inventory:
            progress = inventory.progress(request, cap)
            metadata = _metadata(inventory, request, progress)
        highest = progress.watermark if progress.last_id is None else progress.last_id
        return ObserveResult(data_version=DataVersion(str(highest)), metadata=metadata)

    return observe


def _metadata(
    inventory: Inventory, request: AcquireRequest, progress: JobProgress
) -> dict[str, int | float | bool]:
    jobs = inventory.jobs(JobsQuery(meta_table=request.meta_table, job=request.job))
    told = {
        "items_waiting": progress.items,
        "items_waiting_at_least": progress.at_least,
        "weight_waiting": progress.weight,
        # A job that has claimed nothing yet is not listed.
        "ranges_waiting": sum(job.waiting for job in jobs),
        "ranges_running": sum(job.running for job in jobs),
        "ranges_exhausted": sum(job.exhausted for job in jobs),
        "watermark": progress.watermark,
        "seconds_left": progress.seconds_left,
    }
    return {name: value for name, value in told.items() if value is not None}
