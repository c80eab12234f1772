"""Times the Python package: a worker's turn, which ends a batch and takes the next one with its items. Beside it the
floor: the very same statements, sent bare by the same driver.

Prints a JSON object with a list of seconds per round for `turn` and `floor`. Arguments: URL, meta table, weight,
rounds. What was recorded on one inventory table is sent again to another one of the same content, so that all
statements have the same effect.
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


def turn(batches):
    start = time.perf_counter()
    batch = next(batches)
    items = batch.items
    seconds = time.perf_counter() - start
    assert len(items) == batch.id_range.count
    return seconds


def send(statements):
    start = time.perf_counter()
    for statement, parameters in statements:
        cursor = psycopg.RawCursor(bare)
        cursor.execute(statement, parameters)
        if cursor.description:
            cursor.fetchall()
    return time.perf_counter() - start


plain = Inventory(database, inventory_table=TABLES[0]).batches(request("turn"))
recorder = Recorder()
recorded = Inventory(recorder, inventory_table=TABLES[0]).batches(request("floor"))
bare = psycopg.connect(url, autocommit=True)

seconds = {"turn": [], "floor": []}
for round_ in range(int(rounds)):
    ours = turn(plain)
    recorder.sent = []
    turn(recorded)
    statements = [(text.replace(*TABLES), parameters) for text, parameters in recorder.sent]
    floor = send(statements)
    # The first rounds warm up: statements are prepared when they come again.
    if round_ > 6:
        seconds["turn"].append(ours)
        seconds["floor"].append(floor)
print(json.dumps(seconds))
