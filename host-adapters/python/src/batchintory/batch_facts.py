"""What is known of a batch from its claim on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchintory.records import BatchRecord


@dataclass(frozen=True, slots=True)
class IdRange:
    """A batch's range of ids, as pybatchintory names its parts."""

    id_min: int
    id_max: int
    count: int
    weight: float


class BatchFacts:
    """What is known of a batch from its claim on."""

    #: The row's id in the inventory.
    pk: int
    #: Names this attempt in calls of the inventory.
    claim_token: str
    meta_table: str
    job: str
    job_identifier: str | None
    #: 1 for a new range.
    attempt: int
    id_range: IdRange
    #: Whether it is a single item that alone is heavier than the weight asked for.
    oversized: bool
    #: Whether it holds several items and yet more than was asked for: a range that is handed out again
    #: keeps its ids, and rows have come or changed, or the limits are lower now.
    over_limit: bool
    #: The first id of those, up to ``id_min``, that it passed over for good since ``id_min`` lies above what the
    #: job had claimed; ``None`` where it passed none over.
    passed_over_from: int | None
    #: RFC 3339 in UTC, by the inventory database's clock.
    processing_start: str

    def __init__(self, record: BatchRecord) -> None:
        self.record = record
        self.pk = record.id
        self.claim_token = record.claim_token
        self.meta_table = record.meta_table
        self.job = record.job
        self.job_identifier = record.job_identifier
        self.attempt = record.attempt
        self.id_range = IdRange(record.id_start, record.id_end, record.count, record.weight)
        self.oversized = record.oversized
        self.over_limit = record.over_limit
        self.passed_over_from = record.passed_over_from
        self.processing_start = record.processing_start

    def _told(self, success: bool | None) -> str:
        """For those who read a log."""
        state = {None: "running", True: "succeeded", False: "failed"}[success]
        ids = self.id_range
        return (
            f"{self.pk} of {self.job!r} on {self.meta_table!r}: ids {ids.id_min} to {ids.id_max}, "
            f"{ids.count} items, {state}"
        )
