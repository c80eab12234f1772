"""A batch's items as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pyspark.sql.datasource import InputPartition

from batchintory.place import Place

#: One row for each item.
SCHEMA = "uid bigint, item string, weight double, batch_id bigint, attempt int"


class Row(NamedTuple):
    """An item, and the batch that it came with."""

    uid: int
    item: str | None
    weight: float
    batch_id: int
    attempt: int


class BatchPartition(InputPartition):
    """A batch: one Spark task reads it."""

    def __init__(self, claim_token: str) -> None:
        self.claim_token = claim_token


def rows_of(place: Place, claim_token: str) -> Iterator[Row]:
    """The items of a running batch, page by page."""
    with place.open() as inventory:
        batch = inventory.batch(claim_token)
        # Whoever claimed it ends it.
        batch.hand_over()
        for page in batch.pages():
            for item in page:
                yield Row(item.uid, item.item, item.weight, batch.pk, batch.attempt)
