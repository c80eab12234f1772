"""The tags of a run that works on a batch, and which runs have them."""

from __future__ import annotations

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from batchintory.batch import Batch

#: Names the batch that a run works on.
CLAIM_TOKEN = "batchintory/claim_token"

#: Dagster's: which sensor has requested a run.
SENSOR_NAME = "dagster/sensor_name"

#: How often Dagster starts a run again that has failed.
_MAX_RETRIES = "dagster/max_retries"

_ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def tags_of(batch: Batch) -> dict[str, str]:
    """What a run that works on this batch is found by. Dagster does not start it again when it fails: the batch
    has failed with it then, and is handed out to another run as its request allows."""
    return {
        CLAIM_TOKEN: batch.claim_token,
        "batchintory/batch_id": str(batch.pk),
        "batchintory/attempt": str(batch.attempt),
        _MAX_RETRIES: "0",
    }


def unfinished(instance: DagsterInstance, tag: str, value: str) -> set[str]:
    """The ids of the runs with a tag that have not ended."""
    statuses = [status for status in DagsterRunStatus if status not in _ENDED]
    return {run.run_id for run in instance.get_runs(RunsFilter(tags={tag: value}, statuses=statuses))}
