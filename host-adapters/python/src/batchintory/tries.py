"""Batches of tasks that a data platform tries again: all tries of a task are one attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchintory.errors import Superseded
from batchintory.records import Outcome

if TYPE_CHECKING:
    from batchintory.batch import Batch
    from batchintory.inventory import Inventory


def keep_for_next_try(inventory: Inventory, batch: Batch, pause: int) -> None:
    """Leaves a batch to the next try of its task, which comes after so many seconds at most: its lease, if it has
    one, lasts until then."""
    token, lease = batch.hand_over(), batch.lease_seconds
    if lease is not None:
        inventory.heartbeat(token, lease + pause)


def has_succeeded(inventory: Inventory, claim_token: str) -> bool:
    """Whether a batch that runs no more has succeeded."""
    try:
        # The same end again changes nothing; any other is refused.
        inventory.complete(claim_token, Outcome(True))
    except Superseded:
        return False
    return True
