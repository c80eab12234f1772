"""The hook for a database, and both databases together as the planner sees them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, Protocol

from batchintory import waiting
from batchintory.records import Dialect, StatusLabels
from batchintory.statements import DatabaseError, Rows, Settings, Value

__all__ = ["Database", "DatabaseError", "Databases", "Rows", "Value"]

logger = logging.getLogger("batchintory.database")


class Database(Protocol):
    """One database: a driver of this package, or a connection of the caller's own."""

    @property
    def dialect(self) -> Dialect:
        """The SQL that it understands."""

    @property
    def schema(self) -> str | None:
        """The schema of tables that are named without one, where it must be told: in MySQL."""

    def query(self, statement: str, parameters: Sequence[Value]) -> Rows:
        """Runs one statement by itself, in autocommit, and gives back all its rows.

        Parameters stand in the statement as ``$1``, ``$2``, … (PostgreSQL) or ``?`` (SQLite, MySQL), in
        order. Raises :class:`DatabaseError`; the planner knows what the database's own code means.
        """

    def close(self) -> None:
        """Closes connections that are its own."""


#: The longest pause that the planner is granted.
_MAX_PAUSE_MILLISECONDS = 1_000


class Databases:
    """The inventory's and the meta tables' database with their options; they may be the same.

    Serves the planner's import. Logs all statements at level debug; parameters are never logged.
    """

    def __init__(
        self,
        inventory: Database,
        meta: Database,
        inventory_table: str = "inventory",
        meta_schema: str | None = None,
        status_labels: StatusLabels = StatusLabels(),
        meta_name: str | None = None,
        *,
        may_repeat: bool = True,
    ) -> None:
        self._both = (inventory, meta)
        if inventory.schema is not None:
            inventory_table = with_schema(inventory_table, inventory.schema)
        self.settings = Settings(
            inventory.dialect,
            meta.dialect,
            inventory_table,
            meta_schema if meta_schema is not None else meta.schema,
            meta_name,
            inventory is meta,
            may_repeat,
            status_labels,
        )

    @staticmethod
    def pause(milliseconds: int) -> None:
        """Waits; a call is not to hang for long, whatever a component asks for."""
        waiting.of_this_thread().sleep(min(milliseconds, _MAX_PAUSE_MILLISECONDS) / 1_000)

    def query(self, on: int, statement: str, parameters: list[Value]) -> tuple[str, Any]:
        """The answer to a statement, as a variant of the boundary."""
        database = self._both[on]
        logs = logger.isEnabledFor(logging.DEBUG)
        start = time.perf_counter() if logs else 0.0
        answer: tuple[str, Any]
        try:
            answer = "ok", database.query(statement, parameters)
        except DatabaseError as error:
            answer = "err", (error.kind, error if error.kind == "refused" else error.message)
        if logs:
            logger.debug(
                "%s %s in %.0f us: %s",
                ("inventory", "meta")[on],
                answer[0],
                (time.perf_counter() - start) * 1e6,
                statement,
            )
        return answer


def with_schema(table: str, schema: str) -> str:
    """A table's name with this schema, unless it has one."""
    if table.startswith('"'):
        # A part that starts with a quote ends at the next one that is not doubled.
        _, quote, behind = table[1:].replace('""', "").partition('"')
        has_schema = bool(quote) and behind.startswith(".")
    else:
        has_schema = "." in table
    if has_schema:
        return table
    quoted = schema.replace('"', '""')
    return f'"{quoted}".{table}'
