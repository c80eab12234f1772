"""How an inventory was opened, so that it can be opened in the same way where it is sent to."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchintory.connect import Source, connect, url_of
from batchintory.database_url import Fault, SqliteUrl
from batchintory.errors import PickleError
from batchintory.planner.limits import Limits
from batchintory.records import StatusLabels
from batchintory.url_engine import is_in_memory

if TYPE_CHECKING:
    from batchintory.database import Database
    from batchintory.inventory import Inventory


# What it was opened by may hold a password.
@dataclass(frozen=True, slots=True, repr=False)
class Opening:
    """What an inventory was opened by."""

    inventory: Source
    meta: Source | None
    inventory_table: str
    meta_schema: str | None
    meta_name: str | None
    status_labels: StatusLabels
    limits: Limits

    def open(self) -> tuple[Database, Database]:
        """Opens the databases."""
        first = connect(self.inventory)
        try:
            return first, first if self.meta is None else connect(self.meta, "read-only")
        except BaseException:
            first.close()
            raise

    def check_that_it_can_be_sent(self) -> None:
        """Refuses what only this process has."""
        _check(self.inventory, "inventory")
        if self.meta is not None:
            _check(self.meta, "meta")


def _check(source: Source, argument: str) -> None:
    from sqlalchemy.engine import Connection, Engine

    if isinstance(source, (Engine, Connection)):
        raise PickleError(
            f"this inventory cannot be sent to another process: it was opened on a {type(source).__name__} of the "
            f"program's own ({argument}=…), which stays where it was made; open it by a URL, or open another one "
            "there and take a batch up by its claim token: `inventory.batch(claim_token)`"
        )
    if _is_in_memory(source):
        raise PickleError(
            f"this inventory cannot be sent to another process: its SQLite database is in memory ({argument}=…), "
            "where no other process sees it; use a file"
        )


def _is_in_memory(source: Source) -> bool:
    from sqlalchemy.engine import URL

    if not isinstance(source, (str, URL, os.PathLike)):
        return False
    try:
        url = url_of(source)
    except Fault:
        return False  # It was opened all the same.
    return isinstance(url, SqliteUrl) and is_in_memory(url)


class Arrived:
    """Inventories that were sent to this process. Each is opened once, however many batches come with it."""

    #: How many are kept at most.
    MOST = 8

    def __init__(self) -> None:
        self._known: OrderedDict[Any, Inventory] = OrderedDict()

    def get(self, opening: Opening, make: Callable[[], Inventory]) -> Inventory:
        """The inventory that was opened in this way, or a new one."""
        try:
            found = self._known.pop(opening, None) or make()
        except TypeError:
            return make()  # A driver of the program's own that cannot be looked up.
        self._known[opening] = found
        while len(self._known) > self.MOST:
            self._known.popitem(last=False)
        return found


arrived = Arrived()
