"""What Dagster's retries of an op and its batch have to do with each other."""

from __future__ import annotations

import math
from typing import TypeAlias

from dagster import (
    AssetExecutionContext,
    DagsterError,
    Failure,
    OpExecutionContext,
    RetryPolicy,
    RetryRequested,
)

#: What an op or an asset is given.
Context: TypeAlias = OpExecutionContext | AssetExecutionContext


def pause_before_retry(context: Context, error: Exception) -> int | None:
    """For how many seconds at most Dagster waits before it tries an op again that ended with this error; ``None``
    where it does not try it again."""
    try:
        step = context.get_step_execution_context()
    except DagsterError:
        # The function is called by a test, without a run.
        return None
    asked = _asked(step.op_retry_policy, error, step.previous_attempt_count + 1)
    if asked is None or step.retry_mode.disabled or step.previous_attempt_count >= asked[0]:
        return None
    return math.ceil(asked[1])


def _asked(policy: RetryPolicy | None, error: Exception, attempt: int) -> tuple[int, float] | None:
    """How many retries there may be, and how long the next one waits."""
    if isinstance(error, RetryRequested):
        return error.max_retries, error.seconds_to_wait or 0
    if policy is None or isinstance(error, DagsterError):
        return None
    if isinstance(error, Failure) and not error.allow_retries:
        return None
    steady = RetryPolicy(policy.max_retries, policy.delay, policy.backoff)
    # By chance it may be longer by as much as the first delay.
    chance = 0 if policy.jitter is None else policy.delay or 0
    return policy.max_retries, steady.calculate_delay(attempt) + chance
