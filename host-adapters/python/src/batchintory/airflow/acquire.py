"""Claims batches for tasks that are mapped over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from batchintory.airflow.hook import DEFAULT_CONNECTION, BatchintoryHook
from batchintory.airflow.request import request_of
from batchintory.airflow.task_instance import claim_tokens
from batchintory.errors import InvalidRequest, Superseded
from batchintory.records import AcquireRequest

if TYPE_CHECKING:
    from airflow.sdk import Context

    from batchintory.inventory import Inventory


class AcquireBatchesOperator(BaseOperator):
    """Claims batches and gives their claim tokens, over which tasks are mapped:
    ``count.expand(batch=acquire.output)``.

    A retry gives the batches that the try before it claimed. Once the task is cleared, it claims others. Where
    nothing is left it gives an empty list, and Airflow skips what is mapped over it.

    A batch whose task never runs is handed out again when its lease is over: let the request have one that is
    longer than a task waits for its turn.

    :param request: what to hand out, and how much of it in each batch: an
        :class:`~batchintory.AcquireRequest`, or its arguments as a dict, which may hold templates. The
        ``job_identifier`` is the run's id, unless it is given.
    :param batches: the most to claim.
    :param batchintory_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("request", "batchintory_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"request": "json"}

    def __init__(
        self,
        *,
        request: AcquireRequest | Mapping[str, Any],
        batches: int = 1,
        batchintory_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if batches < 1:
            raise InvalidRequest(f"batches is {batches}; it must be at least 1")
        request_of(request)
        self.request = request
        self.batches = batches
        self.batchintory_conn_id = batchintory_conn_id

    def execute(self, context: Context) -> list[str]:
        """Claims them."""
        request = request_of(self.request)
        if request.job_identifier is None:
            request = replace(request, job_identifier=context["run_id"])
        with BatchintoryHook(self.batchintory_conn_id).get_conn() as inventory:
            return self._claim(inventory, request, context)

    def _claim(self, inventory: Inventory, request: AcquireRequest, context: Context) -> list[str]:
        claimed: list[str] = []
        for token in claim_tokens(context):
            if len(claimed) == self.batches:
                break
            try:
                batch = inventory.acquire(request, token)
            except Superseded:
                # An earlier try claimed it, and its lease was over before this one began.
                continue
            if not batch:
                self.log.info("No batch is left: %s", batch)
                break
            self.log.info("Claimed %r", batch)
            claimed.append(batch.hand_over())
        return claimed
