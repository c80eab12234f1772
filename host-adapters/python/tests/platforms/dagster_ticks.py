"""Ticks of a sensor of Dagster, without a daemon."""

from typing import Any

from dagster import DagsterInstance, RunRequest, SensorDefinition, build_sensor_context, job

from batchintory import AcquireRequest
from batchintory.dagster import BatchintoryResource, build_batch_sensor

REQUEST = AcquireRequest("files", "dagster", max_count=4, lease_seconds=3600)


@job
def nothing() -> None:
    pass


class Sensor:
    """Ticks of a sensor, as the daemon has them."""

    def __init__(self, url: str, **options: Any) -> None:
        self.definition: SensorDefinition = build_batch_sensor(REQUEST, name="batches", job=nothing, **options)
        self.url = url
        self.cursor: str | None = None
        self.instance = DagsterInstance.ephemeral()

    def tick(self, is_lost: bool = False) -> list[RunRequest]:
        """What it requests. Where the tick is lost, its cursor is, too."""
        context = build_sensor_context(
            self.instance, self.cursor, resources={"batchintory": BatchintoryResource(url=self.url)}
        )
        told = self.definition.evaluate_tick(context)
        if not is_lost:
            self.cursor = told.cursor
        self.skipped = told.skip_message
        return list(told.run_requests or [])


def keys(requests: list[RunRequest]) -> list[str | None]:
    return [request.run_key for request in requests]
