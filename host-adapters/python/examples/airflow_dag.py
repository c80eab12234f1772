"""A DAG that counts the lines of files: one task claims batches, and each is counted by a task of its own.

Its connection `batchintory_default` leads to the inventory; see the guide on data platforms. A file like
this lies in Airflow's folder of DAGs.
"""

from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task

from batchintory import AcquireRequest, Batch
from batchintory.airflow.acquire import AcquireBatchesOperator
from batchintory.airflow.sensor import BatchesWaitingSensor

REQUEST = AcquireRequest("files", "airflow", max_count=4, lease_seconds=timedelta(hours=1))


@dag(schedule="@hourly", catchup=False, max_active_runs=1)
def count_lines() -> None:
    """Each run takes up to a hundred batches."""
    wait = BatchesWaitingSensor(task_id="wait", request=REQUEST, deferrable=True, timeout=1800)
    acquire = AcquireBatchesOperator(task_id="acquire", request=REQUEST, batches=100)

    @task.batchintory(retries=2, retry_delay=timedelta(seconds=30))
    def count(batch: Batch) -> dict[str, int]:
        """What it returns is the batch's result in the inventory, and the task's in Airflow."""
        return {str(path): Path(str(path)).read_text().count("\n") for path in batch.items}

    @task
    def add_up(counted: list[dict[str, int]]) -> int:
        """Adds up what all tasks have counted."""
        return sum(lines for counts in counted for lines in counts.values())

    wait >> acquire
    add_up(count.expand(batch=acquire.output))  # type: ignore[arg-type]


count_lines()
