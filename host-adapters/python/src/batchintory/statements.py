"""What a statement takes and gives, and what the planner must know of the databases: see ``wit/database.wit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Union

from batchintory.records import Dialect, StatusLabels

#: A parameter or a selected value.
Value = Union[None, bool, int, float, str]


class Rows(NamedTuple):
    """What a statement gave back: its rows, and how many it inserted or updated."""

    rows: Sequence[Sequence[Value]]
    affected: int


class DatabaseError(Exception):
    """Why a statement has no result, of the ``kind`` that ``wit/database.wit`` tells of.

    - ``unavailable``: it was not sent;
    - ``outcome-unknown``: it was, and nobody knows whether it took effect;
    - ``refused``: the database said no, by its own ``code`` (an SQLSTATE, SQLite's extended result code, MySQL's
      error number), of which the planner knows what it means. Empty where the driver tells none.
    """

    def __init__(
        self,
        kind: Literal["unavailable", "outcome-unknown", "refused"],
        message: str,
        *,
        code: str = "",
        ends_session: bool = False,
    ) -> None:
        """``ends_session``: the connection is of no use any more."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.ends_session = ends_session


class Settings(NamedTuple):
    """What the planner must know of the two databases."""

    inventory_dialect: Dialect
    meta_dialect: Dialect
    inventory_table: str
    meta_schema: str | None
    meta_name: str | None
    one_database: bool
    may_repeat: bool
    status_labels: StatusLabels
