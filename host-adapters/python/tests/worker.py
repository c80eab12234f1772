"""A worker that claims a job together with others, in whatever language they are; it may be killed at any time.

Arguments: the URLs of the inventory's and the meta tables' database, the job. Takes turns where it is told to: see
``tests/src/turns.rs``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from batchintory import AcquireRequest, Inventory, Superseded


def take_turn(folder: Path, name: str) -> None:
    """Says that there is a batch, and waits until it may go on."""
    with (folder / "turns").open("a") as turns:
        turns.write(f"{name}\n")
    with (folder / name).open() as answers:
        if not answers.readline():
            sys.exit("nobody waits for this worker any more")


def main() -> None:
    """Works until nothing is left."""
    inventory_url, meta_url, job = sys.argv[1:]
    folder, name = (os.environ.get(f"BATCHINTORY_TEST_{word}") for word in ("TURNS", "WORKER"))
    request = AcquireRequest("files", job, max_count=7, lease_seconds=3600, max_attempts=1000, job_identifier=name)
    with Inventory(inventory_url, meta_url) as inventory:
        for batch in inventory.batches(request):
            uids = [item.uid for item in batch.records]
            if folder and name:
                take_turn(Path(folder), name)
            try:
                batch.succeed({"uids": [uids[0], uids[-1]], "language": "python"})
            except Superseded:
                pass  # Somebody else has it now.


if __name__ == "__main__":
    main()
