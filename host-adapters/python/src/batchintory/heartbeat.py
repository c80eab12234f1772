"""Signs of life in the background, by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from batchintory.life_signs import Beats, LifeSigns

if TYPE_CHECKING:
    from batchintory.inventory import Inventory
    from batchintory.lease import Lease


class Heartbeat(LifeSigns):
    """Prolongs a batch's lease, in a thread of its own, until it is stopped."""

    def __init__(self, inventory: Inventory, claim_token: str, lease: Lease | None) -> None:
        super().__init__()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        if lease is not None:
            self._thread = self._start(self._beat, inventory, claim_token, lease)
            # A statement that is not answered must not keep the owner from knowing.
            self._start(self._watch, lease)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, name="batchintory-heartbeat", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """No more signs of life."""
        super().stop()
        self._stopped.set()

    def _beat(self, inventory: Inventory, claim_token: str, lease: Lease) -> None:
        beats = Beats(lease)
        while not self._stopped.wait(max(beats.pause, 0.0)):
            with beats.beat():
                inventory.heartbeat(claim_token, lease.seconds)
            if beats.loss is not None:
                if not self.ends:
                    self._lose(beats.loss)
                return

    def _watch(self, lease: Lease) -> None:
        while (left := lease.left) > 0:
            if self._stopped.wait(left):
                return
        self._lose(lease.over())
