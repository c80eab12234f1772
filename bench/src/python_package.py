"""Times the Python package: acquire a batch and let it succeed, without and with reading its items; and the floor: the very same statements sent bare by the same driver.

Prints a JSON object with a list of seconds per round for `pair`, `pair_with_items` and `floor`. Arguments: URL, meta
table, weight, rounds. What was recorded on one inventory table is sent again for another one of the same content, so
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


def once(inventory, request, reads_items=False):
    start = time.perf_counter()
    batch = inventory.acquire(request)
    if reads_items:
        assert len(batch.items) == batch.id_range.count
    batch.succeed()
    return time.perf_counter() - start


request = AcquireRequest(table, "bench", max_weight=float(weight))
plain = Inventory(database, inventory_table=TABLES[0])
recorder = Recorder()
recorded = Inventory(recorder, inventory_table=TABLES[0])
bare = psycopg.connect(url.replace("postgres:", "postgresql:"), autocommit=True)


def send(statements):
    start = time.perf_counter()
    for statement, parameters in statements:
        cursor = psycopg.RawCursor(bare)
        cursor.execute(statement, parameters, prepare=False)
        if cursor.description:
            cursor.fetchall()
    return time.perf_counter() - start


seconds = {"pair": [], "pair_with_items": [], "floor": []}
once(plain, request)
for round_ in range(int(rounds)):
    seconds["pair"].append(once(plain, request))
    seconds["pair_with_items"].append(once(plain, request, reads_items=True))
    recorder.sent = []
    once(recorded, request)
    statements = [(text.replace(*TABLES), parameters) for text, parameters in recorder.sent]
    if round_ == 0:
        send(statements)
        continue
    seconds["floor"].append(send(statements))
print(json.dumps(seconds))
