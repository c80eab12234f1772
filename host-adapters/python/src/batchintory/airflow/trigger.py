"""Waits for batches in Airflow's triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from batchintory.airflow.connection_types import place_of
from batchintory.airflow.hook import BatchintoryHook
from batchintory.airflow.request import request_of
from batchintory.airflow.waiting import batches_wait
from batchintory.inventory import Inventory


class BatchesWaitingTrigger(BaseTrigger):
    """Fires when there is something to claim; see :class:`~batchintory.airflow.sensor.BatchesWaitingSensor`.

    :param request: the request's arguments.
    :param batches: how many new ones are enough.
    :param batchintory_conn_id: the connection.
    :param poke_interval: how many seconds lie between two looks.
    """

    def __init__(
        self, request: dict[str, Any], batches: int, batchintory_conn_id: str, poke_interval: float
    ) -> None:
        super().__init__()
        self.request = request
        self.batches = batches
        self.batchintory_conn_id = batchintory_conn_id
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How it is made again in the triggerer."""
        names = ("request", "batches", "batchintory_conn_id", "poke_interval")
        return f"{__name__}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Looks again and again."""
        request = request_of(self.request)
        with await self._open() as inventory:
            # Other triggers run in this loop: what waits for a database does so in a thread.
            while not await asyncio.to_thread(batches_wait, inventory, request, self.batches):
                await asyncio.sleep(self.poke_interval)
        yield TriggerEvent(True)

    async def _open(self) -> Inventory:
        place = place_of(await BatchintoryHook.aget_connection(self.batchintory_conn_id))
        meta = None if place.meta is None else place_of(await BatchintoryHook.aget_connection(place.meta))
        return await asyncio.to_thread(place.open, meta)
