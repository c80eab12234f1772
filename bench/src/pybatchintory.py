"""Times pybatchintory: acquire a batch, read its items, mark it succeeded.

Prints one number of seconds per round, as a JSON list. Arguments: URL, meta table, weight, rounds,
name of the inventory table.
"""

import contextlib
import io
import json
import sys
import time

import pybatchintory
from pybatchintory.main import acquire_batch
from pybatchintory import sql

url, table, weight, rounds, inventory = sys.argv[1:6]
pybatchintory.configure(
    settings={"INVENTORY_CONN": url, "INVENTORY_TABLE_NAME": inventory}
)
sql.db.initialize_metadata_backend()


def once():
    start = time.perf_counter()
    batch = acquire_batch("bench", table, batch_weight=float(weight))
    batch.succeeded()
    seconds = time.perf_counter() - start
    assert len(batch.items) == batch.id_range.count
    return seconds


# It prints what it finds on the way.
with contextlib.redirect_stdout(io.StringIO()):
    once()
    seconds = [once() for _ in range(int(rounds))]
print(json.dumps(seconds))
