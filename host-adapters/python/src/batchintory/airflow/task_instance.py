"""What a task's tries and its batches have to do with each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

#: The most that Airflow waits where a pause grows from try to try, unless the task says otherwise.
MOST_PAUSE = timedelta(days=1)


def clears(context: Context) -> int:
    """How many tries a task had before it was cleared last, 0 where it never was: the same in all retries."""
    # Airflow allows a cleared task its retries anew: it adds them to the tries that there were.
    instance: Any = context["ti"]
    return int(instance.max_tries) - int(instance.task.retries or 0)


def claim_tokens(context: Context) -> Iterator[str]:
    """Claim tokens without end: the same in each retry of a task, and others once it was cleared."""
    instance: Any = context["ti"]
    # The names can be guessed; the microsecond at which the run began cannot.
    begun = context["dag_run"].start_date
    place = (instance.dag_id, instance.run_id, instance.task_id, instance.map_index, clears(context), begun)
    digest = hashlib.sha256(repr(place).encode()).hexdigest()
    number = 0
    while True:
        number += 1
        yield f"airflow-{digest}-{number}"


def will_be_tried_again(context: Context, error: BaseException) -> bool:
    """Whether Airflow tries a task again that ended with this error, or goes on with it later."""
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowRescheduleException,
        AirflowSkipException,
        AirflowTaskTerminated,
        TaskDeferred,
    )

    if isinstance(error, (AirflowRescheduleException, TaskDeferred)):
        return True
    if isinstance(error, (AirflowFailException, AirflowSkipException, AirflowTaskTerminated)):
        return False
    instance: Any = context["ti"]
    return bool(instance.task.retries) and int(instance.try_number) <= int(instance.max_tries)


def longest_pause(context: Context) -> timedelta:
    """How long Airflow waits at most before the task's next try."""
    instance: Any = context["ti"]
    task = instance.task
    pause: timedelta = task.retry_delay
    if not task.retry_exponential_backoff:
        return pause
    most: timedelta = task.max_retry_delay or MOST_PAUSE
    try:
        growth = float(task.retry_exponential_backoff) ** (int(instance.try_number) - 1)
    except OverflowError:
        return most
    # Airflow adds up to as much again, by chance.
    return timedelta(seconds=min(2 * growth * pause.total_seconds(), most.total_seconds()))
