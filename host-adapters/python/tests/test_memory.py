"""How rows get into the planner's memory."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import MakeInventory, claim

from batchintory.planner import core_function
from batchintory.planner.canonical_abi import List, SqlRows, SqlValue
from batchintory.planner.component import planner
from batchintory.planner.instance import PlannerInstance
from batchintory.planner.limits import Limits

ROWS: list[list[Any]] = [
    [1, "tone", 1.5],
    [2, None, -0.0],
    [-(1 << 63), "", float("inf")],
    [],
    [True, False, None],
    [None, None, None],
    ["tübt", (1 << 63) - 1],
    [4, "t\N{SNOWMAN}", 2.5],
]


@pytest.fixture
def instance() -> PlannerInstance:
    return PlannerInstance(planner(), Limits())


@pytest.mark.parametrize("rows", [[], [[]], ROWS, ROWS * 3], ids=["none", "empty", "all", "repeated"])
def test_rows_are_what_they_were(instance: PlannerInstance, rows: list[list[Any]]) -> None:
    kind = SqlRows()
    place, length = kind.lower(instance, rows)
    found = List(List(SqlValue())).load_elements(instance, place, length)
    assert found == rows
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in rows]


def test_what_is_no_value_is_refused(instance: PlannerInstance) -> None:
    values: list[Any] = [b"bytes", [], 1 << 64]
    for value in values:
        with pytest.raises(Exception, match=r"range|bytes|list|argument|int"):
            SqlRows().lower(instance, [[value]])


def test_every_place_is_its_own(instance: PlannerInstance) -> None:
    data = [bytes([number % 251]) * (number % 7) for number in range(40_000)]
    places = instance.write_all(data, 1)
    assert [bytes(instance.read(place, len(part))) for place, part in zip(places, data, strict=True)] == data


def test_a_page_of_items_takes_few_calls(
    sqlite_url: str, lake: MakeInventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = claim(lake(sqlite_url, range(1, 3001)), count=3000)
    calls = 0
    call = core_function._call

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return call(*arguments)

    monkeypatch.setattr(core_function, "_call", counted)
    assert len(batch.items) == 3000
    assert calls < 100
