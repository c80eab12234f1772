"""Signs of life in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from batchintory.errors import BatchintoryError, LeaseOver, NoSuchBatch, Superseded

if TYPE_CHECKING:
    from batchintory.inventory import Inventory
    from batchintory.lease import Lease

logger = logging.getLogger("batchintory")

#: A lease is prolonged so often before it would be over, so that one sign of life may get lost.
BEATS_PER_LEASE = 3
#: After one that got lost the next follows so much sooner.
SOONER = 4

WhenLost = Callable[[BatchintoryError], None]


class Heartbeat:
    """Prolongs a batch's lease, in a thread of its own, until it is stopped."""

    def __init__(self, inventory: Inventory, claim_token: str, lease: Lease | None) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._loss: BatchintoryError | None = None
        self._told: list[WhenLost] = []
        self._thread: threading.Thread | None = None
        #: Whether the batch is about to be ended: it may then not run any more because of its owner.
        self.ends = False
        if lease is not None:
            self._thread = self._start(self._beat, inventory, claim_token, lease)
            # A statement that is not answered must not keep the owner from knowing.
            self._start(self._watch, lease)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, name="batchintory-heartbeat", daemon=True)
        thread.start()
        return thread

    @property
    def is_lost(self) -> bool:
        """Whether the batch was taken from its owner, the database has lost it, or its lease is over since no sign
        of life got through; work on it is in vain."""
        return self._loss is not None

    def when_lost(self, told: WhenLost) -> None:
        """Calls back, from another thread, when it is lost; at once, if it is."""
        with self._lock:
            loss = self._loss
            if loss is None:
                self._told.append(told)
        if loss is not None:
            told(loss)

    def stop(self) -> None:
        """No more signs of life."""
        self._stopped.set()

    def _beat(self, inventory: Inventory, claim_token: str, lease: Lease) -> None:
        period = lease.seconds / BEATS_PER_LEASE
        pause = lease.left - period * (BEATS_PER_LEASE - 1)
        while not self._stopped.wait(max(pause, 0.0)):
            sent = monotonic()
            try:
                inventory.heartbeat(claim_token, lease.seconds)
            except (Superseded, NoSuchBatch) as error:
                if not self.ends:
                    self._lose(error)
                return
            except BatchintoryError as error:
                # The next one may come through in time.
                logger.warning("a heartbeat failed: %s", error)
                pause = period / SOONER
            else:
                lease.prolong(sent)
                pause = sent + period - monotonic()

    def _watch(self, lease: Lease) -> None:
        while (left := lease.left) > 0:
            if self._stopped.wait(left):
                return
        self._lose(lease.over())

    def _lose(self, error: Superseded | NoSuchBatch | LeaseOver) -> None:
        with self._lock:
            if self._loss is not None or self._stopped.is_set():
                return
            self._loss = error
            told = self._told
        self.stop()
        for tell in told:
            try:
                tell(error)
            except Exception:
                logger.exception("what was to be told of a lost batch failed")
