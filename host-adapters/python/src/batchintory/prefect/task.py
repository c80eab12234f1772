"""A task of Prefect that works on one batch, which ends as the task ends."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, overload
from uuid import UUID

from prefect import State, Task
from prefect.client.schemas import TaskRun
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from batchintory.arguments import check_work
from batchintory.batch import Batch
from batchintory.errors import BatchintoryError, InvalidRequest, NoSuchBatch, Superseded
from batchintory.inventory import Inventory
from batchintory.prefect.block import BatchintoryBlock, block_of
from batchintory.tries import has_succeeded, keep_for_next_try

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class _Unfinished:
    """What a try has left to the next one, or to the end of the task."""

    block: BatchintoryBlock
    claim_token: str
    error: BaseException | str


#: By the ids of the task runs of this process.
_unfinished: dict[UUID, _Unfinished] = {}


@overload
def batch_task(
    function: Callable[Concatenate[Batch, P], R], *, block: BatchintoryBlock | str, **options: Any
) -> Task[Concatenate[str, P], R]: ...


@overload
def batch_task(
    function: None = None, *, block: BatchintoryBlock | str, **options: Any
) -> Callable[[Callable[Concatenate[Batch, P], R]], Task[Concatenate[str, P], R]]: ...


def batch_task(
    function: Callable[..., Any] | None = None, *, block: BatchintoryBlock | str, **options: Any
) -> Any:
    """Makes a task of a function that works on a batch, its first argument. The task is called with a claim token
    in its place, as those that :func:`acquire_batches` gives, and mapped over them.

    The batch succeeds with what the function returns. It fails when the task fails, which is after Prefect's last
    try. Before another try it stays with the task, as the same attempt, and its lease is prolonged so that it
    lasts until then. It is given back, which does not count as an attempt, where Ctrl-C or SIGTERM interrupts the
    function. When its process ends meanwhile, the batch is handed out again when its lease is over.

    A batch that has ended, or that somebody else has, is not tried again: the task fails, unless the batch has
    succeeded in a try before.

    :param function: the function, which is no ``async def``. With other arguments, use :func:`prefect.unmapped`.
    :param block: where the inventory is: a :class:`BatchintoryBlock`, or its name, by which each try loads it.
    :param options: those of :func:`prefect.task`: ``retries``, ``retry_delay_seconds`` and others.

    >>> @batch_task(block="lake", retries=2, retry_delay_seconds=30)
    ... def count(batch):
    ...     return {path: lines_of(path) for path in batch.items}
    """
    if function is None:
        return lambda function: batch_task(function, block=block, **options)
    check_work(function)
    first = next(iter(inspect.signature(function).parameters), None)
    if first is None:
        name = getattr(function, "__name__", "the function")
        raise InvalidRequest(f"{name} has no parameters: its first one is to be the batch")

    @wraps(function)
    def works_on_batch(*arguments: Any, **named: Any) -> Any:
        def call(batch: Batch) -> Any:
            if arguments:
                return function(batch, *arguments[1:], **named)
            return function(**{**named, first: batch})

        context = TaskRunContext.get()
        if context is None:
            raise InvalidRequest(f"{function.__name__} is called without Prefect: call the task, not its function")
        return _work(context, block_of(block), str(arguments[0] if arguments else named[first]), call)

    asked = options.pop("retry_condition_fn", None)

    def may_be_tried_again(task: Task[..., Any], run: TaskRun, state: State[Any]) -> Any:
        if isinstance(state.data, (NoSuchBatch, Superseded)):
            return False
        return asked is None or asked(task, run, state)

    return Task(works_on_batch, retry_condition_fn=may_be_tried_again, **options)


def _work(context: TaskRunContext, block: BatchintoryBlock, token: str, call: Callable[[Batch], Any]) -> Any:
    """One try."""
    _unfinished.pop(context.task_run.id, None)
    # Here, so that other hooks (`with_options`) do not take its place.
    if _fail not in context.task.on_failure_hooks:
        context.task.on_failure_hooks.insert(0, _fail)
    with block.open() as inventory:
        batch = _take_up(inventory, token)
        if batch is None:
            return None
        try:
            result = call(batch)
            if isinstance(result, State) and result.is_failed():
                _keep(inventory, batch, context, block, str(result.message or result))
            elif batch.success is None:
                batch.succeed(None if isinstance(result, State) else result)
        except Exception as error:
            _keep(inventory, batch, context, block, error)
            raise
        except BaseException:
            _give_back(batch)
            raise
    return result


def _take_up(inventory: Inventory, token: str) -> Batch | None:
    """The batch, kept alive; ``None`` where it has succeeded in an earlier try."""
    try:
        batch = inventory.batch(token)
    except Superseded:
        if not has_succeeded(inventory, token):
            raise
        get_run_logger().info("The batch has succeeded in an earlier try")
        return None
    batch.keep_alive()
    get_run_logger().info("Working on %r, attempt %d", batch, batch.attempt)
    return batch


def _keep(
    inventory: Inventory,
    batch: Batch,
    context: TaskRunContext,
    block: BatchintoryBlock,
    error: BaseException | str,
) -> None:
    """Leaves it to the next try, or to the task's end: which of them comes is for Prefect to say."""
    if batch.success is not None or isinstance(error, Superseded):
        batch.hand_over()
        return
    _unfinished[context.task_run.id] = _Unfinished(block, batch.hand_over(), error)
    if not context.task.retries:
        return
    try:
        keep_for_next_try(inventory, batch, _longest_pause(context.task))
    except BatchintoryError as problem:
        # What went wrong first is what is to be seen.
        get_run_logger().warning("%r could not be kept for the next try: %s", batch, problem)


def _give_back(batch: Batch) -> None:
    """The work was interrupted, and is not to blame."""
    if batch.success is not None:
        return
    try:
        batch.release()
    except BatchintoryError as problem:
        get_run_logger().warning("%r could not be given back: %s", batch, problem)


def _longest_pause(task: Task[..., Any]) -> int:
    """For how many seconds at most Prefect waits before it tries a task again."""
    delays = task.retry_delay_seconds or 0
    longest = max(delays, default=0) if isinstance(delays, Sequence) else delays
    # By chance it may be longer by so much.
    return math.ceil(longest * (1 + (task.retry_jitter_factor or 0)))


def _fail(task: Task[..., Any], run: TaskRun, state: State[Any]) -> None:
    """Prefect tries the task no more. What is raised here is logged by Prefect, and seen by nobody else."""
    left = _unfinished.pop(run.id, None)
    if left is None:
        return
    with left.block.open() as inventory:
        inventory.batch(left.claim_token).fail(left.error)
