"""Times the Python package: reading all items of a batch, beside the driver's own SELECT of the same rows.

Prints a JSON object with a list of seconds per round for `records` (all items with their ids and weights), `texts` (the
items alone) and `driver`. Arguments: URL, meta table, items, rounds.
"""

import json
import sys
import time

import psycopg

from batchintory import AcquireRequest, Batch, Inventory

url, table, count, rounds = sys.argv[1:5]

inventory = Inventory(url)
inventory.migrate()
batch = inventory.acquire(AcquireRequest(table, "items from Python", max_count=int(count)))
bare = psycopg.connect(url, autocommit=True)


def anew():
    """The batch as it is before anything of it was read."""
    return Batch(inventory, batch.record, None)


def records():
    return anew().records


def texts():
    return anew().items


def driver():
    ids = batch.id_range
    cursor = psycopg.RawCursor(bare)
    cursor.execute(
        f"SELECT uid, item, weight FROM {table} WHERE uid BETWEEN $1 AND $2 ORDER BY uid", (ids.id_min, ids.id_max)
    )
    return cursor.fetchall()


seconds = {"records": [], "texts": [], "driver": []}
assert records() == driver()
for _ in range(int(rounds)):
    for name, read in (("records", records), ("driver", driver), ("texts", texts)):
        start = time.perf_counter()
        read_ones = read()
        seconds[name].append(time.perf_counter() - start)
        assert len(read_ones) == int(count)
        del read_ones
print(json.dumps(seconds))
