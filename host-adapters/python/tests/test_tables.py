"""Records as tables of other libraries."""

from __future__ import annotations

from typing import Any

import pyarrow
import pytest
from conftest import MakeInventory, claim, request_of

from batchintory import Inventory, Item
from batchintory.table import Table


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
def test_items(inventory: Inventory, library: str) -> None:
    batch = claim(inventory)
    for items in (batch.records, next(batch.pages(4)), inventory.items(batch.claim_token, limit=4)):
        table: Any = getattr(items, f"to_{library}")()
        assert list(getattr(table, "column_names", table.columns)) == ["uid", "item", "weight"]
        assert len(table) == len(items)
        assert next(iter(table["item"])) in ("file-51", pyarrow.scalar("file-51"))
    batch.succeed()


def test_notebooks_show_items(inventory: Inventory) -> None:
    batch = claim(inventory, count=None, max_weight=1000.0)
    assert batch.records._repr_html_().startswith(
        "<table><thead><tr><th>uid</th><th>item</th><th>weight</th></tr></thead>"
        "<tbody><tr><td>51</td><td>file-51</td><td>10.0</td></tr>"
    )
    batch.succeed()


def test_notebooks_show_no_more_than_can_be_looked_at() -> None:
    many = Table(Item(uid, f"<{uid}>", 1.0) for uid in range(101))
    shown = many._repr_html_()
    assert shown.count("<tr>") == 101
    assert "<td>&lt;99&gt;</td>" in shown
    assert shown.endswith("</table><p>100 of 101</p>")
    assert Table(many[:100])._repr_html_().endswith("</table>")


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_nothing_is_an_empty_table(sqlite_url: str, lake: MakeInventory, library: str) -> None:
    assert len(getattr(lake(sqlite_url).jobs(), f"to_{library}")()) == 0
