"""Where an inventory is, as a block of Prefect."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from batchintory.inventory import Inventory
from batchintory.place import Place


class BatchintoryBlock(Block):
    """Where the inventory is. Its fields are arguments of :class:`~batchintory.Inventory`. Prefect keeps the URLs
    encrypted, and shows stars in their place.

    >>> BatchintoryBlock(url="postgresql://me:secret@host/lake").save("lake")
    >>> with BatchintoryBlock.load("lake").open() as inventory:
    ...     inventory.migrate()
    """

    _block_type_name = "batchintory"
    _block_type_slug = "batchintory"
    _description = "Hands the items of a table out in batches, exactly once per job."
    _documentation_url = "https://github.com/batchintory/batchintory/blob/main/docs/how-to/data-platforms.md"  # type: ignore[assignment]

    url: SecretStr = Field(description="The URL of the inventory's database.")
    meta_url: SecretStr | None = Field(
        default=None, description="The URL of the meta tables' database; by default the inventory's."
    )
    inventory_table: str = Field(default="inventory", description="The inventory's name in its database.")
    meta_schema: str | None = Field(default=None, description="The schema of meta tables named without one.")
    meta_name: str | None = Field(
        default=None, description="The name of the meta tables' database, where several share the inventory."
    )

    def open(self) -> Inventory:
        """A new inventory; ``with`` closes it.

        >>> with block.open() as inventory:
        ...     inventory.migrate()
        """
        meta_url = None if self.meta_url is None else self.meta_url.get_secret_value()
        return Place(
            self.url.get_secret_value(), meta_url, self.inventory_table, self.meta_schema, self.meta_name
        ).open()


def block_of(block: BatchintoryBlock | str) -> BatchintoryBlock:
    """The block itself, or that of a name as it is now."""
    if isinstance(block, BatchintoryBlock):
        return block
    # Tasks of this package are no coroutines, whatever runs around them.
    loaded: BatchintoryBlock = BatchintoryBlock.load(block, _sync=True)  # type: ignore[call-arg]
    return loaded
