"""Fills an inventory by the real pybatchintory. Arguments: URL, qualified name of the meta table.

The job "thumbnails" has a batch that succeeded, one that failed and one that runs; "qualified" names
its meta table with the schema; "twice" has a range that was claimed by two workers at once.
"""

import sys

import pybatchintory
from pybatchintory import sql
from pybatchintory.main import acquire_batch
from pybatchintory.sql import crud

url, qualified = sys.argv[1:3]
pybatchintory.configure(settings={"INVENTORY_CONN": url})
sql.db.initialize_metadata_backend()

acquire_batch("thumbnails", "files", batch_count=5).succeeded(result={"made": 5})
acquire_batch("thumbnails", "files", batch_weight=30.0).failed(ValueError("broken"))
acquire_batch("thumbnails", "files", batch_count=4)

acquire_batch("qualified", qualified, batch_count=7).succeeded()

first = acquire_batch("twice", "files", batch_count=3)
with sql.db.engine_inventory.begin() as connection:
    crud.create_row_in_inventory(first._build_acquire_values(), connection)
first.failed()
