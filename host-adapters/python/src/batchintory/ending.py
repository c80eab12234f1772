"""Ending a batch, though its database may be away for a while."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING

from batchintory import waiting
from batchintory.errors import BatchintoryError, DatabaseRefused, ExhaustedRetries, Unavailable
from batchintory.records import Completion, Outcome

if TYPE_CHECKING:
    from batchintory.batch import Batch
    from batchintory.inventory import Inventory
    from batchintory.lease import Lease
    from batchintory.records import AcquireRequest, Nothing

logger = logging.getLogger("batchintory")

#: How long the end of a batch without a lease is tried, in seconds: as long as the command line's lease.
WITHOUT_LEASE = 300

#: The first pause, and the longest one.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


def pauses() -> Iterator[float]:
    """Pauses in seconds between tries, for ever: by chance, and longer each time."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(1, 2)
        pause = min(pause * 2, LONGEST_PAUSE)


#: After these the same end may be taken later.
_MAY_PASS = (Unavailable, DatabaseRefused, ExhaustedRetries)


def end_and_acquire(
    inventory: Inventory,
    claim_token: str,
    outcome: Outcome,
    lease: Lease | None,
    request: AcquireRequest,
    *,
    batch: object,
) -> Batch | Nothing | BatchintoryError | None:
    """Ends a batch that has succeeded as :func:`end` does, and hands out the next of this request with it, or
    gives the error of the claim. ``None``: the batch was ended by itself, as its end was not taken at once, and
    the next one is to be asked for."""
    if lease is None or lease.left > 0:
        try:
            return inventory._end_and_acquire(Completion(claim_token, outcome), request)
        except _MAY_PASS:
            pass
    end(inventory, claim_token, outcome, lease, batch=batch)
    return None


def end(inventory: Inventory, claim_token: str, outcome: Outcome, lease: Lease | None, *, batch: object) -> None:
    """Ends a batch. While its lease holds, or for five minutes where it has none, an end that the database does
    not take is tried again, with pauses by chance that get longer: the work is done, and the database may only be
    away."""
    # Signs of life may get through where ends do not: that is no reason to go on for ever.
    latest = monotonic() + (WITHOUT_LEASE if lease is None else lease.seconds)
    for pause in pauses():
        try:
            return inventory.complete(claim_token, outcome)
        except _MAY_PASS as error:
            left = (latest if lease is None else min(latest, lease.until)) - monotonic()
            if left <= FIRST_PAUSE:
                if lease is not None and lease.until <= latest:
                    raise lease.over() from error
                raise
            chosen = min(pause, left * 0.9)
            logger.warning("%r cannot be ended yet and is tried again in %.1f s: %s", batch, chosen, error)
        waiting.of_this_thread().sleep(chosen)
