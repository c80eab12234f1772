"""Signs of life in the background."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from batchintory.errors import BatchintoryError, NoSuchBatch, Superseded

if TYPE_CHECKING:
    from batchintory.inventory import Inventory

logger = logging.getLogger("batchintory")

#: A lease is prolonged so often before it would be over, so that one sign of life may get lost.
BEATS_PER_LEASE = 3


class Heartbeat:
    """Prolongs a batch's lease, in a thread of its own, until it is stopped."""

    def __init__(self, inventory: Inventory, claim_token: str, lease_seconds: int | None) -> None:
        self._stopped = threading.Event()
        self._lost = threading.Event()
        self._thread: threading.Thread | None = None
        if lease_seconds is not None:
            self._thread = threading.Thread(
                target=self._beat,
                args=(inventory, claim_token, lease_seconds),
                name="batchintory-heartbeat",
                daemon=True,
            )
            self._thread.start()

    @property
    def is_lost(self) -> bool:
        """Whether the batch was taken from its owner, or the database has lost it; work on it is in vain."""
        return self._lost.is_set()

    def stop(self) -> None:
        """No more signs of life."""
        self._stopped.set()

    def _beat(self, inventory: Inventory, claim_token: str, lease_seconds: int) -> None:
        while not self._stopped.wait(lease_seconds / BEATS_PER_LEASE):
            try:
                inventory.heartbeat(claim_token, lease_seconds)
            except (Superseded, NoSuchBatch):
                self._lost.set()
                return
            except BatchintoryError as error:
                # The next one may come through in time.
                logger.warning("a heartbeat failed: %s", error)
