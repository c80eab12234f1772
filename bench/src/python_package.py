"""Times the Python package: acquire a batch and let it succeed, without and with reading its items. Beside it the
floor: the very same statements, sent bare by the same driver.

Prints a JSON object with a list of seconds per round for `pair`, `pair_with_items` and `floor`. Arguments: URL, meta
table, weight, rounds. What was recorded on one inventory table is sent again to another one of the same content, so
that all statements have the same effect.
"""

import json
import sys
import time

import psycopg

from batchintory import AcquireRequest, Inventory
from batchintory.connect import connect

url, table, weight, rounds = sys.argv[1:5]
TABLES = ("inventory_package", "inventory_floor")

database = connect(url)
for name in TABLES:
    database.query(f"DROP TABLE IF EXISTS {name}", ())
    Inventory(database, inventory_table=name).migrate()


class Recorder:
    """A driver that keeps what it sends, when it is told to."""

    dialect, schema = database.dialect, database.schema

    def __init__(self):
        self.sent = None

    def query(self, statement, parameters):
        if self.sent is not None:
            self.sent.append((statement, list(parameters)))
        return database.query(statement, parameters)

    def close(self):
        pass


def request(job):
    return AcquireRequest(table, job, max_weight=float(weight))


def once(inventory, request, reads_items=False):
    start = time.perf_counter()
    batch = inventory.acquire(request)
    if reads_items:
        items = batch.items
    batch.succeed()
    seconds = time.perf_counter() - start
    assert not reads_items or len(items) == batch.id_range.count
    return seconds


def send(statements):
    start = time.perf_counter()
    for statement, parameters in statements:
        cursor = psycopg.RawCursor(bare)
        cursor.execute(statement, parameters, prepare=False)
        if cursor.description:
            cursor.fetchall()
    return time.perf_counter() - start


plain = Inventory(database, inventory_table=TABLES[0])
recorder = Recorder()
recorded = Inventory(recorder, inventory_table=TABLES[0])
bare = psycopg.connect(url, autocommit=True)
pair, with_items, floor = request("pair"), request("items"), request("floor")

seconds = {"pair": [], "pair_with_items": [], "floor": []}
for round_ in range(int(rounds)):
    times = once(plain, pair), once(plain, with_items, reads_items=True)
    recorder.sent = []
    once(recorded, floor)
    statements = [(text.replace(*TABLES), parameters) for text, parameters in recorder.sent]
    times = (*times, send(statements))
    # The first round warms up.
    if round_:
        for name, time_ in zip(seconds, times):
            seconds[name].append(time_)
print(json.dumps(seconds))
