"""A worker that claims a job together with others, in whatever language they are; it may be killed at any time.

Arguments: the URLs of the inventory's and the meta tables' database, the job.
"""

from __future__ import annotations

import random
import sys
import time

from batchintory import AcquireRequest, Inventory, Nothing, Superseded

#: It ends when nothing was left so often.
CAUGHT_UP = 20


def main() -> None:
    """Works until nothing is left."""
    inventory_url, meta_url, job = sys.argv[1:]
    request = AcquireRequest("files", job, max_count=7, lease_seconds=2, max_attempts=1000)
    caught_up = 0
    with Inventory(inventory_url, meta_url) as inventory:
        while caught_up < CAUGHT_UP:
            batch = inventory.acquire(request)
            if isinstance(batch, Nothing):
                caught_up += batch.reason == "caught-up"
                time.sleep(0.2)
                continue
            uids = [item.uid for item in batch.records]
            time.sleep(random.uniform(0.001, 0.008))
            try:
                batch.succeed({"uids": [uids[0], uids[-1]], "language": "python"})
            except Superseded:
                pass  # It took too long, and somebody else has it now.


if __name__ == "__main__":
    main()
