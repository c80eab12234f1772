"""Batches as a stream: each micro-batch is some of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from pyspark.sql.datasource import DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow

from batchintory.batch import Batch
from batchintory.errors import Superseded
from batchintory.inventory import Inventory
from batchintory.records import Outcome
from batchintory.spark.offset import Offset
from batchintory.spark.options import Options
from batchintory.spark.rows import BatchPartition, Row, rows_of

logger = logging.getLogger("batchintory")


class BatchStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Claims the batches of a micro-batch, keeps them alive in the driver, and ends them once Spark has committed
    it."""

    def __init__(self, options: Options) -> None:
        self._place = options.place()
        self._request = options.request()
        self._batches = options.batches()
        self._lost = options.lost()
        #: Those whose leases are prolonged here, by their claim tokens.
        self._held: dict[str, Batch] = {}

    @cached_property
    def _inventory(self) -> Inventory:
        # In the driver only.
        return self._place.open()

    def initialOffset(self) -> dict[str, Any]:
        """Before anything was claimed."""
        return Offset.first().written()

    def prepareForTriggerAvailableNow(self) -> None:
        """What comes meanwhile is claimed, too: the stream ends when nothing is left."""

    def latestOffset(self, start: dict[str, Any], limit: Any) -> dict[str, Any]:
        """Claims what comes next. After a crash it claims the same again.

        Spark commits a micro-batch when the next one begins. So behind the last one there is another, without
        batches.
        """
        before = Offset.read(start)
        following = Offset(before.stream, before.number + 1)
        claimed: list[int] = []
        number = 0
        while len(claimed) < self._batches:
            number += 1
            token = following.token(number)
            try:
                batch = self._inventory.acquire(self._request, token)
            except Superseded:
                # Claimed before a crash, and its lease was over before the stream came back.
                continue
            if not batch:
                break
            self._hold(batch)
            claimed.append(number)
        if not claimed and not before.batches:
            return start
        return Offset(following.stream, following.number, tuple(claimed)).written()

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> Sequence[InputPartition]:
        """A task for each batch. What was planned before a crash is taken up again."""
        return [BatchPartition(token) for token in Offset.read(end).tokens() if self._is_ours(token)]

    def read(self, partition: InputPartition) -> Iterator[Row]:  # type: ignore[override]
        """The items of a batch, in an executor."""
        assert isinstance(partition, BatchPartition)
        return rows_of(self._place, partition.claim_token)

    def commit(self, end: dict[str, Any]) -> None:
        """The micro-batch is done, so its batches have succeeded."""
        offset = Offset.read(end)
        for token in offset.tokens():
            held = self._held.pop(token, None)
            if held is not None:
                held.hand_over()
            try:
                self._inventory.complete(token, Outcome(True, {"micro_batch": offset.number}))
            except Superseded as error:
                # Spark has committed it, and would only ask again.
                logger.error("a batch of a committed micro-batch was not ended: %s", error)

    def stop(self) -> None:
        """The leases go on for whoever begins the stream again."""
        for batch in self._held.values():
            batch.hand_over()
        self._held.clear()
        if "_inventory" in self.__dict__:
            self._inventory.close()

    def __getstate__(self) -> dict[str, Any]:
        # It is sent to executors, which only read.
        return {"_place": self._place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _hold(self, batch: Batch) -> None:
        batch.keep_alive()
        self._held[batch.claim_token] = batch

    def _is_ours(self, token: str) -> bool:
        """Whether the stream has the batch still."""
        if token in self._held:
            return True
        try:
            self._hold(self._inventory.batch(token))
        except Superseded as error:
            if self._lost == "skip":
                logger.warning("a micro-batch goes without a batch: %s", error)
                return False
            raise Superseded(
                f"{error}; the stream was down for longer than the batch's lease: let the option lease_seconds be "
                "longer, and set the option lost to skip, to go on without what somebody else has now"
            ) from error
        return True
