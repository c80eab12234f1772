"""Ending a batch, though its database may be away for a while."""

from __future__ import annotations

import logging
import random
import time
from time import monotonic
from typing import TYPE_CHECKING

from batchintory.errors import DatabaseRefused, ExhaustedRetries, Unavailable

if TYPE_CHECKING:
    from batchintory.inventory import Inventory
    from batchintory.lease import Lease
    from batchintory.records import Outcome

logger = logging.getLogger("batchintory")

#: How long the end of a batch without a lease is tried, in seconds: as long as the command line's lease.
WITHOUT_LEASE = 300

#: The first pause, and the longest one.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


def end(inventory: Inventory, claim_token: str, outcome: Outcome, lease: Lease | None, *, batch: object) -> None:
    """Ends a batch. While its lease holds, or for five minutes where it has none, an end that the database does
    not take is tried again, with pauses by chance that get longer: the work is done, and the database may only be
    away."""
    # Signs of life may get through where ends do not: that is no reason to go on for ever.
    latest = monotonic() + (WITHOUT_LEASE if lease is None else lease.seconds)
    pause = FIRST_PAUSE
    while True:
        try:
            return inventory.complete(claim_token, outcome)
        except (Unavailable, DatabaseRefused, ExhaustedRetries) as error:
            left = (latest if lease is None else min(latest, lease.until)) - monotonic()
            if left <= FIRST_PAUSE:
                if lease is not None and lease.until <= latest:
                    raise lease.over() from error
                raise
            chosen = min(pause * random.uniform(1, 2), left * 0.9)
            logger.warning("%r cannot be ended yet and is tried again in %.1f s: %s", batch, chosen, error)
        time.sleep(chosen)
        pause = min(pause * 2, LONGEST_PAUSE)
