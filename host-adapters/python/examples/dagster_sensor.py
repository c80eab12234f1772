"""Counts the lines of files with Dagster: a sensor claims batches, and each is worked on by a run of its own.

LAKE_URL names the inventory's database, whose table is made by `batchintory migrate`. All of it is started by

    dagster dev --python-file dagster_sensor.py
"""

from datetime import timedelta
from pathlib import Path

from dagster import (
    AutomationCondition,
    DefaultSensorStatus,
    Definitions,
    EnvVar,
    OpExecutionContext,
    in_process_executor,
    job,
    op,
)

from batchintory import AcquireRequest
from batchintory.dagster import BatchintoryResource, build_batch_sensor, build_lag_observation

#: The lease is longer than a run waits for its turn.
REQUEST = AcquireRequest("files", "dagster", max_count=4, lease_seconds=timedelta(hours=1))


def lines_of(paths: list[str | None]) -> dict[str, int]:
    """What becomes of a batch."""
    return {str(path): Path(str(path)).read_text().count("\n") for path in paths}


@op
def count(context: OpExecutionContext, batchintory: BatchintoryResource) -> None:
    """Works on the batch of its run, which ends as this does."""
    with batchintory.batch(context) as batch:
        batch.succeed(lines_of(batch.items))


# A run has one op: it needs no other process for it.
@job(executor_def=in_process_executor)
def count_lines() -> None:
    """One batch."""
    count()


defs = Definitions(
    assets=[build_lag_observation(REQUEST, automation_condition=AutomationCondition.on_cron("@hourly"))],
    jobs=[count_lines],
    sensors=[
        build_batch_sensor(
            REQUEST,
            name="batches",
            job=count_lines,
            batches=10,
            runs=20,
            minimum_interval_seconds=10,
            default_status=DefaultSensorStatus.RUNNING,
        )
    ],
    resources={"batchintory": BatchintoryResource(url=EnvVar("LAKE_URL"))},
)
