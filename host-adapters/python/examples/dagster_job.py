"""Counts the lines of files as a Dagster job: its ops run in processes of their own, and each claims batches.

python dagster_job.py postgresql://user:password@host/database

A schedule or a sensor may start the job as often as it likes, also while it runs: what is new is handed out once.
"""

import os
import sys
from pathlib import Path

from dagster import (
    DagsterInstance,
    OpExecutionContext,
    execute_job,
    job,
    multiprocess_executor,
    op,
    reconstructable,
)

from batchintory import AcquireRequest, Inventory

WORKERS = 3
URL = "LAKE_URL"


@op
def claim_and_count(context: OpExecutionContext) -> int:
    """Claims batches until nothing is left. Each is in the inventory with the run that processed it."""
    request = AcquireRequest(
        "files", "dagster", max_count=4, lease_seconds=60, job_identifier=f"{context.run_id}/{context.op_handle}"
    )
    lines = 0
    with Inventory(os.environ[URL]) as inventory:
        for batch in inventory.batches(request):
            counted = batch.process(
                lambda paths: {path: Path(str(path)).read_text().count("\n") for path in paths}
            )
            context.log.info(f"batch {batch.pk}: {batch.id_range.count} files")
            lines += sum((counted or {}).values())  # None where the rows of a range are gone.
    return lines


@job(executor_def=multiprocess_executor.configured({"max_concurrent": WORKERS}))
def count_lines() -> None:
    """As many ops as there are to be workers."""
    for number in range(WORKERS):
        claim_and_count.alias(f"worker_{number}")()


def main(url: str) -> None:
    """Runs the job once, as `dagster job execute` does."""
    os.environ[URL] = url
    with Inventory(url) as inventory:
        inventory.migrate()
    with DagsterInstance.local_temp() as instance:
        with execute_job(reconstructable(count_lines), instance=instance, raise_on_error=True) as result:
            print(sum(result.output_for_node(f"worker_{number}") for number in range(WORKERS)), "lines")


if __name__ == "__main__":
    main(sys.argv[1])
