"""Signs of life: when they are sent, and what has come of them. Who sends them is told elsewhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from batchintory.errors import BatchintoryError, LeaseOver, NoSuchBatch, Superseded

if TYPE_CHECKING:
    from batchintory.lease import Lease

logger = logging.getLogger("batchintory")

#: How often a lease is prolonged before it would be over: one sign of life may get lost.
BEATS_PER_LEASE = 3
#: By this factor the next one follows sooner after one that got lost.
SOONER = 4

WhenLost = Callable[[BatchintoryError], None]


class Beats:
    """When signs of life are due, and what came of them."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._period = lease.seconds / BEATS_PER_LEASE
        #: The next one is due after so many seconds.
        self.pause = lease.left - self._period * (BEATS_PER_LEASE - 1)
        #: Why there is to be no other one.
        self.loss: Superseded | NoSuchBatch | None = None

    @contextmanager
    def beat(self) -> Iterator[None]:
        """Around what sends one."""
        sent = monotonic()
        try:
            yield
        except (Superseded, NoSuchBatch) as error:
            self.loss = error
        except BatchintoryError as error:
            # The next one may come through in time.
            logger.warning("a heartbeat failed: %s", error)
            self.pause = self._period / SOONER
        else:
            self._lease.prolong(sent)
            self.pause = sent + self._period - monotonic()


class LifeSigns:
    """Prolongs a batch's lease until it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loss: BatchintoryError | None = None
        self._told: list[WhenLost] = []
        self._is_stopped = False
        #: Whether the batch is about to be ended: it may then not run any more because of its owner.
        self.ends = False

    @property
    def is_lost(self) -> bool:
        """Whether the batch was taken from its owner, the database has lost it, or its lease is over since no sign
        of life got through; work on it is in vain."""
        return self._loss is not None

    def when_lost(self, told: WhenLost) -> None:
        """Calls back when it is lost; at once, if it is."""
        with self._lock:
            loss = self._loss
            if loss is None:
                self._told.append(told)
        if loss is not None:
            told(loss)

    def stop(self) -> None:
        """No more signs of life."""
        self._is_stopped = True

    def _lose(self, error: Superseded | NoSuchBatch | LeaseOver) -> None:
        with self._lock:
            if self._loss is not None or self._is_stopped:
                return
            self._loss = error
            told = self._told
        self.stop()
        for tell in told:
            try:
                tell(error)
            except Exception:
                logger.exception("what was to be told of a lost batch failed")
