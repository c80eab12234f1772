"""Waits until batches wait to be handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseSensorOperator

from batchintory.airflow.hook import DEFAULT_CONNECTION, BatchintoryHook
from batchintory.airflow.request import request_of
from batchintory.airflow.trigger import BatchesWaitingTrigger
from batchintory.airflow.waiting import batches_wait
from batchintory.records import AcquireRequest

if TYPE_CHECKING:
    from airflow.sdk import Context


class BatchesWaitingSensor(BaseSensorOperator):
    """Waits until there is something to claim: enough new batches, or one that is to be handed out again.

    Nothing is claimed by it, so somebody else may be first.

    :param request: that of the :class:`~batchintory.airflow.acquire.AcquireBatchesOperator` behind it.
    :param batches: how many new ones are enough.
    :param batchintory_conn_id: the connection.
    :param deferrable: waits in Airflow's triggerer, and needs no worker meanwhile.
    """

    template_fields: Sequence[str] = ("request", "batchintory_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"request": "json"}

    def __init__(
        self,
        *,
        request: AcquireRequest | Mapping[str, Any],
        batches: int = 1,
        batchintory_conn_id: str = DEFAULT_CONNECTION,
        deferrable: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        request_of(request)
        self.request = request
        self.batches = batches
        self.batchintory_conn_id = batchintory_conn_id
        self.deferrable = deferrable

    def poke(self, context: Context) -> bool:
        """Whether there is something."""
        with BatchintoryHook(self.batchintory_conn_id).get_conn() as inventory:
            return batches_wait(inventory, request_of(self.request), self.batches)

    def execute(self, context: Context) -> Any:
        """Waits here, or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        if self.poke(context):
            return None
        trigger = BatchesWaitingTrigger(
            request=asdict(request_of(self.request)),
            batches=self.batches,
            batchintory_conn_id=self.batchintory_conn_id,
            poke_interval=self.poke_interval,
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """Called when the triggerer has seen something."""
