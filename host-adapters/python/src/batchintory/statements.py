"""What a statement takes and gives, and what the planner must know of the databases: see ``wit/database.wit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Union

from batchintory.records import Dialect, StatusLabels

#: A parameter or a selected value.
Value = Union[None, bool, int, float, str]

#: Why the database refused a statement.
Refusal = Literal["no-such-table", "no-such-column", "wrong-type", "read-only", "not-permitted", "other"]


class Rows(NamedTuple):
    """What a statement gave back: its rows, and how many it inserted or updated."""

    rows: Sequence[Sequence[Value]]
    affected: int


class DatabaseError(Exception):
    """Why a statement has no result. ``kind`` tells whether it took effect: see ``wit/database.wit``."""

    def __init__(
        self,
        kind: Literal["unavailable", "outcome-unknown", "conflict", "retryable", "failed"],
        message: str,
        *,
        refusal: Refusal = "other",
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.refusal = refusal
        self.code = code


class Settings(NamedTuple):
    """What the planner must know of the two databases."""

    inventory_dialect: Dialect
    meta_dialect: Dialect
    inventory_table: str
    meta_schema: str | None
    meta_name: str | None
    one_database: bool
    status_labels: StatusLabels
