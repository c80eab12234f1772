"""An inventory as a resource of Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dagster import AssetExecutionContext, ConfigurableResource, Failure
from pydantic import Field

from batchintory.batch import Batch
from batchintory.dagster.retries import Context, pause_before_retry
from batchintory.dagster.tags import CLAIM_TOKEN, unfinished
from batchintory.errors import BatchintoryError, NoSuchBatch, Superseded
from batchintory.inventory import Inventory
from batchintory.place import Place
from batchintory.tries import keep_for_next_try


class BatchintoryResource(ConfigurableResource):  # type: ignore[type-arg]
    """Where the inventory is. Its fields are arguments of :class:`~batchintory.Inventory`.

    Give URLs by :class:`dagster.EnvVar`: Dagster shows a resource's values on its pages, and of those only the
    names of their variables. Neither URL is in the resource's ``repr``.

    >>> defs = Definitions(
    ...     jobs=[count_lines],
    ...     sensors=[build_batch_sensor(request, name="batches", job=count_lines)],
    ...     resources={"batchintory": BatchintoryResource(url=EnvVar("LAKE_URL"))},
    ... )
    """

    url: str = Field(repr=False, description="The inventory's database: best an EnvVar.")
    meta_url: str | None = Field(
        default=None, repr=False, description="The meta tables' database; by default the inventory's."
    )
    inventory_table: str = Field(default="inventory", description="The inventory's name in its database.")
    meta_schema: str | None = Field(default=None, description="The schema of meta tables named without one.")
    meta_name: str | None = Field(
        default=None, description="The name of the meta tables' database, where several share the inventory."
    )

    def open(self) -> Inventory:
        """A new inventory; ``with`` closes it.

        >>> with batchintory.open() as inventory:
        ...     inventory.migrate()
        """
        return Place(self.url, self.meta_url, self.inventory_table, self.meta_schema, self.meta_name).open()

    @contextmanager
    def batch(self, context: Context, claim_token: str | None = None) -> Iterator[Batch]:
        """Takes the batch of this run up, for one of its ops or assets. It is kept alive in the ``with`` block,
        and ends with it:

        - it succeeds at the block's end, or by ``batch.succeed(result)`` in it;
        - it fails when the block raises an error, and is handed out again as its request allows;
        - it stays as it is, the same attempt, where Dagster tries the op again: by a ``RetryPolicy``, or by
          ``RetryRequested``. Its lease lasts until then;
        - it is given back when the run is terminated, which does not count as an attempt.

        When the process is killed, the batch is handed out again, to another run, when its lease is over. Store
        what the op makes inside the block: what fails behind it fails with a batch that has succeeded.

        :param context: of the op or asset.
        :param claim_token: the batch's; by default that of the sensor which has requested the run.
        :raises dagster.Failure: which is not tried again, where the batch has ended, or another run works on it,
            or nobody has requested the run for one.

        >>> @op
        ... def count(context: OpExecutionContext, batchintory: BatchintoryResource) -> None:
        ...     with batchintory.batch(context) as batch:
        ...         batch.succeed({path: lines_of(path) for path in batch.items})
        """
        op = context.op_execution_context if isinstance(context, AssetExecutionContext) else context
        token = claim_token or op.run_tags.get(CLAIM_TOKEN)
        if token is None:
            raise Failure(
                f"the run has no tag {CLAIM_TOKEN!r}: let a sensor that build_batch_sensor makes request it, or "
                "give batch() a claim token",
                allow_retries=False,
            )
        if others := unfinished(op.instance, CLAIM_TOKEN, token) - {op.run_id}:
            raise Failure(
                f"the run {min(others)} works on the same batch, and has not ended; if its process has died, mark "
                "it as canceled",
                allow_retries=False,
            )
        with self.open() as inventory, ExitStack() as end:
            batch = _take_up(inventory, token, end)
            context.log.info(f"Working on {batch!r}, attempt {batch.attempt}")
            try:
                yield batch
            except Exception as error:
                pause = pause_before_retry(context, error)
                if pause is not None and batch.success is None:
                    end.pop_all()
                    _keep(inventory, batch, pause, context)
                raise


def _take_up(inventory: Inventory, token: str, end: ExitStack) -> Batch:
    try:
        return end.enter_context(inventory.batch(token))
    except (NoSuchBatch, Superseded) as error:
        raise Failure(
            f"{error}; what has not succeeded is handed out again, to another run. Do not start this one again: "
            "requeue the batch if its items are to be processed once more",
            allow_retries=False,
        ) from error


def _keep(inventory: Inventory, batch: Batch, pause: int, context: Context) -> None:
    """Leaves it to the op's next try."""
    try:
        keep_for_next_try(inventory, batch, pause)
    except BatchintoryError as problem:
        # What went wrong first is what is to be seen.
        context.log.warning(f"{batch!r} could not be kept for the next try: {problem}")
