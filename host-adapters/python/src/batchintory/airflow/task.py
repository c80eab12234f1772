"""``@task.batchintory``: a task that works on one batch, which ends as the task ends."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory
from airflow.sdk.exceptions import AirflowFailException

from batchintory.airflow.hook import DEFAULT_CONNECTION, BatchintoryHook
from batchintory.airflow.task_instance import clears, longest_pause, will_be_tried_again
from batchintory.errors import BatchintoryError, NoSuchBatch, Superseded
from batchintory.tries import has_succeeded, keep_for_next_try

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.bases.decorator import TaskDecorator

    from batchintory.batch import Batch
    from batchintory.inventory import Inventory


class BatchDecoratedOperator(DecoratedOperator, PythonOperator):
    """Calls a function with a batch in the place of its claim token, the first argument.

    The batch succeeds with what the function returns. It fails when the task fails for good: in Airflow's last
    try, by ``AirflowFailException``, or where the task skips itself. Before a retry it stays with the task, and
    its lease is prolonged so that it lasts until then.

    :param batchintory_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs", "batchintory_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "templates_dict": "json",
        "op_args": "py",
        "op_kwargs": "py",
    }
    op_args: Sequence[Any]
    op_kwargs: Mapping[str, Any]
    custom_operator_name = "@task.batchintory"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any],
        op_kwargs: Mapping[str, Any],
        batchintory_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        own = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(kwargs_to_upstream=own, **own, **kwargs)
        self.batchintory_conn_id = batchintory_conn_id

    def execute(self, context: Context) -> Any:
        """Takes the batch up, and ends it."""
        with BatchintoryHook(self.batchintory_conn_id).get_conn() as inventory:
            batch = self._take_up(inventory, self._put(None), context)
            if batch is None:
                return None
            self._put(batch)
            try:
                result = super().execute(context)
                if batch.success is None:
                    batch.succeed(result)
            except BaseException as error:
                self._leave(inventory, batch, context, error)
                raise
        return result

    def _put(self, batch: Batch | None) -> Any:
        """Gives the function's first argument, and puts a batch there if it is given."""
        if self.op_args:
            given, *others = self.op_args
            if batch is not None:
                self.op_args = [batch, *others]
            return given
        first = next(iter(inspect.signature(self.python_callable).parameters), None)
        if first is None or first not in self.op_kwargs:
            name = getattr(self.python_callable, "__name__", "the function")
            raise AirflowFailException(
                f"{name} is called without a batch: its first argument is to be a claim token, as in "
                f"`{name}.expand({first or 'batch'}=acquire.output)`"
            )
        given = self.op_kwargs[first]
        if batch is not None:
            self.op_kwargs = {**self.op_kwargs, first: batch}
        return given

    def _take_up(self, inventory: Inventory, token: Any, context: Context) -> Batch | None:
        """The batch, kept alive; ``None`` where it has succeeded in an earlier try."""
        try:
            batch = inventory.batch(token)
            batch.keep_alive()
        except NoSuchBatch as error:
            raise AirflowFailException(str(error)) from error
        except Superseded as error:
            if not clears(context) and has_succeeded(inventory, token):
                self.log.info("The batch has succeeded in an earlier try")
                return None
            raise AirflowFailException(
                f"{error}; to claim anew, clear the task that claimed it, and requeue the batch first if it is to "
                "be worked on again"
            ) from error
        self.log.info("Working on %r, attempt %d", batch, batch.attempt)
        return batch

    def _leave(self, inventory: Inventory, batch: Batch, context: Context, error: BaseException) -> None:
        """Fails it, or leaves it to the task's next try."""
        if batch.success is not None:
            return
        try:
            if not will_be_tried_again(context, error):
                batch.fail(error)
                return
            keep_for_next_try(inventory, batch, int(longest_pause(context).total_seconds()))
        except BatchintoryError as problem:
            # What went wrong first is what is to be seen.
            self.log.warning("%r could not be left as it was to be: %s", batch, problem)


def batchintory_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> TaskDecorator:
    """Makes a task of a function that works on a batch, its first argument: ``@task.batchintory``.

    :param python_callable: the function. Called with a claim token, it gets the batch.
    :param multiple_outputs: as in ``@task``.
    :param kwargs: those of :class:`BatchDecoratedOperator`, and of every operator.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=BatchDecoratedOperator,
        **kwargs,
    )
