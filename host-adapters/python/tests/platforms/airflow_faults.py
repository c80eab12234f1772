"""A DAG whose tasks count the lines of files, and fail as files in a folder say."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from batchintory import Batch
from batchintory.airflow.acquire import AcquireBatchesOperator
from batchintory.airflow.sensor import BatchesWaitingSensor

FAULTS = Path(os.environ["FILES_OF_FAULTS"])
REQUEST: dict[str, Any] = {"meta_table": "files", "job": "{{ dag.dag_id }}", "max_count": 4, "lease_seconds": 3600}


def meet() -> None:
    """Waits until two tasks run at the same time, once."""
    if (FAULTS / "met").exists():
        return
    (FAULTS / f"here-{os.getpid()}").touch()
    latest = time.monotonic() + 600
    while len(list(FAULTS.glob("here-*"))) < 2:
        assert time.monotonic() < latest, "no other task came"
        time.sleep(0.1)
    (FAULTS / "met").touch()


@dag(schedule=None)
def faults() -> None:
    """All batches that there are."""
    wait = BatchesWaitingSensor(
        task_id="wait", request={**REQUEST, "job": "faults"}, deferrable=True, poke_interval=1, timeout=1800
    )
    acquire = AcquireBatchesOperator(task_id="acquire", request=REQUEST, batches=100)

    @task.batchintory(retries=1, retry_delay=timedelta(seconds=1))
    def count(batch: Batch) -> dict[str, int]:
        """Does what is said for this try."""
        first = batch.id_range.id_min
        number = get_current_context()["ti"].try_number
        (FAULTS / f"{first}-try-{number}").write_text(str(os.getpid()))
        told = FAULTS / str(first)
        for_tries = told.read_text().split() if told.exists() else []
        meet()
        fault = for_tries[number - 1] if number <= len(for_tries) else None
        if fault == "fail":
            raise ValueError("told to fail")
        if fault == "give-up":
            raise AirflowFailException("told to give up")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        counted = {str(path): Path(str(path)).read_text().count("\n") for path in batch.items}
        if fault == "crash-behind-the-end":
            batch.succeed(counted)
            os.kill(os.getpid(), signal.SIGKILL)
        return counted

    wait >> acquire
    count.expand(batch=acquire.output)


faults()
