"""Records as tables of other libraries."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import MakeInventory, claim, request_of

from batchintory import Inventory


@pytest.fixture
def inventory(sqlite_url: str, lake: MakeInventory) -> Inventory:
    """With results of several types, and a batch that runs."""
    inventory = lake(sqlite_url)
    for result in ({"lines": 7}, 10, None, ["a", 1.5]):
        claim(inventory, lease_seconds=60).succeed(result)
    claim(inventory, lease_seconds=60).hand_over()
    return inventory


#: The latest comes first.
RESULTS = [None, '["a",1.5]', None, "10", '{"lines":7}']


def test_history_in_arrow(inventory: Inventory) -> None:
    table: Any = inventory.history().to_arrow()
    assert table.column("id").to_pylist() == [5, 4, 3, 2, 1]
    assert table.column("result_item").to_pylist() == RESULTS
    assert str(table.schema.field("weight").type) == "double"


def test_history_in_polars(inventory: Inventory) -> None:
    table: Any = inventory.history().to_polars()
    assert table["status"].to_list() == ["running"] + ["succeeded"] * 4
    assert table["result_item"].to_list() == RESULTS


def test_history_in_pandas(inventory: Inventory) -> None:
    table: Any = inventory.history().to_pandas()
    assert table["count"].sum() == 50
    # There every value may be of its own type.
    assert table["result_item"][4] == {"lines": 7}


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_jobs_and_plans(inventory: Inventory, library: str) -> None:
    jobs: Any = getattr(inventory.jobs(), f"to_{library}")()
    plan: Any = getattr(inventory.plan(request_of(10)), f"to_{library}")()
    assert (len(jobs), len(plan)) == (1, 5)


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_nothing_is_an_empty_table(sqlite_url: str, lake: MakeInventory, library: str) -> None:
    assert len(getattr(lake(sqlite_url).jobs(), f"to_{library}")()) == 0
