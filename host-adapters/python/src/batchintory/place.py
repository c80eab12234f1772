"""Where an inventory is, as data platforms keep it and send it to their workers."""

from __future__ import annotations

from dataclasses import dataclass

from batchintory.inventory import Inventory


# A URL may hold a password.
@dataclass(frozen=True, repr=False)
class Place:
    """Where the inventory is: arguments of :class:`~batchintory.Inventory`."""

    url: str
    meta_url: str | None = None
    inventory_table: str = "inventory"
    meta_schema: str | None = None
    meta_name: str | None = None

    def open(self) -> Inventory:
        """A new inventory."""
        return Inventory(
            self.url,
            self.meta_url,
            inventory_table=self.inventory_table,
            meta_schema=self.meta_schema,
            meta_name=self.meta_name,
        )
