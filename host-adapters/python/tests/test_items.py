"""Items as the driver reads them by the planner's statement: those that the planner itself gives."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from conftest import MakeInventory, Proxy, claim, fill, on_server, request_of, sqlalchemy_url
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine, make_url

from batchintory import Batch, InvalidRequest, Inventory, Item, to_json
from batchintory.item_reader import ItemReader, as_item

EngineOf = Callable[[str], Engine]

#: What is longer is left to the planner.
LONG = "x" * 2049


def by_planner(inventory: Inventory, batch: Batch, limit: int = 10_000) -> list[Item]:
    """All items, by the planner alone."""
    items: list[Item] = []
    while page := inventory.items(batch.claim_token, items[-1].uid if items else None, limit):
        items += page
    return items


def by_statement(inventory: Inventory, batch: Batch, limit: int = 10_000) -> list[Item]:
    """All items, none of which came with the claim."""
    reader = ItemReader(inventory, batch.claim_token)
    items: list[Item] = []
    while page := reader.read(items[-1].uid if items else None, limit):
        items += map(as_item, page)
    return items


def calls_of(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that the planner gets from now on."""
    calls: list[str] = []
    call = inventory._instances.call

    def kept(databases: Any, name: str, *arguments: Any) -> Any:
        calls.append(name)
        return call(databases, name, *arguments)

    monkeypatch.setattr(inventory._instances, "call", kept)
    return calls


@pytest.mark.parametrize("driver", ["sqlite", "psycopg", "psycopg2", "pymysql"])
def test_both_ways_give_the_same(
    driver: str, sqlite_url: str, engine_of: EngineOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_url if driver == "sqlite" else on_server("mysql" if driver == "pymysql" else "postgresql")
    engine = engine_of(url)
    fill(engine, range(-5, 996))
    with engine.begin() as connection:
        for uid, item, weight in [
            (2**63 - 1, "the last", 1e300),
            (-(2**63) + 1, "the first", 0.1),
            (1001, None, None),
            (1002, "", 0),
            (1003, "ü \n日本 🦀 ' \\ %s", 1.5),
        ]:
            connection.execute(
                text("INSERT INTO files VALUES (:uid, :item, :weight)"),
                {"uid": uid, "item": item, "weight": weight},
            )
    source: Any = create_engine(sqlalchemy_url(url, driver)) if driver == "psycopg2" else url
    with Inventory(source) as inventory:
        inventory.migrate()
        kept = {"any": [{"column": "uid", "op": "<", "value": 40}, {"column": "weight", "op": "!=", "value": 3}]}
        several: list[dict[str, Any]] = [{}, {"filter": kept}, {"id_min": 7, "id_max": 1003}]
        for options in several:
            batch = inventory.acquire(request_of(None, job=f"{options}"[:100], **options))
            assert isinstance(batch, Batch)
            expected = by_planner(inventory, batch)
            calls = calls_of(inventory, monkeypatch)
            for limit in (1, 3, 1000, 10_000):
                calls.clear()
                assert by_statement(inventory, batch, limit) == expected
                # The planner also says that an empty page is the end.
                assert calls == ["items-statement", "items"]
            assert batch.records == expected
            assert batch.items == [item.item for item in expected]
            assert [item for page in batch.pages(3) for item in page] == expected


def test_reading_takes_one_call_of_the_planner(
    url: str, lake: MakeInventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = lake(url, range(1, 3_001))
    batch = claim(inventory, count=None)
    calls = calls_of(inventory, monkeypatch)
    pages = [len(page) for page in batch.pages(300)]
    assert sum(pages) == 3_000
    assert len(pages) >= 10
    # The first ones have come with the claim, and the last one's id is known.
    assert calls == ["items-statement"]
    assert len(batch.items) == 3_000
    assert calls == ["items-statement"] * 2


def test_long_items_are_left_to_the_planner(
    sqlite_url: str, lake: MakeInventory, engine_of: EngineOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = lake(sqlite_url)
    with engine_of(sqlite_url).begin() as connection:
        connection.execute(text("UPDATE files SET item = :long WHERE uid = 50"), {"long": LONG})
        connection.execute(text("UPDATE files SET item = :long WHERE uid = 20"), {"long": LONG[1:]})
    batch = claim(inventory, count=None)
    expected = by_planner(inventory, batch)
    calls = calls_of(inventory, monkeypatch)
    reader = ItemReader(inventory, batch.claim_token)
    assert [row[0] for row in reader.read(None, 100)] == list(range(1, 50))
    assert [row[0] for row in reader.read(49, 10)] == list(range(50, 60))
    assert calls == ["items-statement", "items"]
    assert by_statement(inventory, batch) == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("x'41'", "is kept as bytes"),
        ("CAST(x'610062' AS text)", "holds a NUL character"),
        ("CAST(x'FF41' AS text)", "holds bytes that are no UTF-8"),
    ],
)
def test_what_is_no_text_is_told_by_the_planner(
    sqlite_url: str, lake: MakeInventory, engine_of: EngineOf, value: str, why: str
) -> None:
    inventory = lake(sqlite_url)
    with engine_of(sqlite_url).begin() as connection:
        connection.execute(text(f"UPDATE files SET item = {value} WHERE uid = 50"))
    batch = claim(inventory, count=None)
    with pytest.raises(InvalidRequest, match=f"the item of uid 50 .* {why}") as caught:
        by_statement(inventory, batch)
    assert caught.value.uid == 50
    # A driver that puts something else in its place changes nothing.
    engine = create_engine(sqlalchemy_url(sqlite_url))

    @event.listens_for(engine, "connect")
    def replace(connection: sqlite3.Connection, _: Any) -> None:
        connection.text_factory = lambda text: text.decode(errors="replace")

    with Inventory(engine) as replacing, pytest.raises(InvalidRequest, match=f"the item of uid 50 .* {why}"):
        by_statement(replacing, batch)
    engine.dispose()


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_an_id_of_two_rows_is_told_by_the_planner(sqlite_url: str, engine_of: EngineOf, limit: int) -> None:
    engine = engine_of(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE files (uid integer, item text, weight double precision)"))
        connection.execute(text("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 1), (4, 'd', 1)"))
    with Inventory(sqlite_url) as inventory:
        inventory.migrate()
        batch = claim(inventory, count=None)
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO files VALUES (3, 'again', 1)"))
        reader = ItemReader(inventory, batch.claim_token)
        last = None
        with pytest.raises(InvalidRequest, match=r"\b3\b"):
            for _ in range(4):
                last = reader.read(last, limit)[-1][0]
        assert last in (None, 1, 2)


def test_a_connection_that_is_lost_between_pages_is_made_anew(engine_of: EngineOf, lake: MakeInventory) -> None:
    url = on_server("postgresql")
    lake(url, range(1, 101))
    server = make_url(sqlalchemy_url(url))
    with Proxy.before(server) as proxy:
        through = server.set(host="127.0.0.1", port=proxy.port)
        with Inventory(through.render_as_string(hide_password=False)) as inventory:
            batch = claim(inventory, count=None)
            reader = ItemReader(inventory, batch.claim_token)
            found = list(reader.read(None, 40))
            proxy.cut()
            found += reader.read(40, 40)
            proxy.cut()
            found += reader.read(80, 40)
            assert [row[0] for row in found] == list(range(1, 101))


def test_no_page_begins_before_the_batch(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    claim(inventory)
    second = claim(inventory)
    for after in (None, -5, 0, 5, 10):
        page = ItemReader(inventory, second.claim_token).read(after, 3)
        assert [row[0] for row in page] == [11, 12, 13]


@pytest.mark.parametrize("limit", [0, 10_001, -1])
def test_a_page_s_limit_is_the_planner_s(sqlite_url: str, lake: MakeInventory, limit: int) -> None:
    inventory = lake(sqlite_url)
    with pytest.raises(InvalidRequest):
        ItemReader(inventory, claim(inventory).claim_token).read(None, limit)


def test_an_item_is_a_tuple_with_names() -> None:
    item = Item(1, None, 2.5)
    assert (item.uid, item.item, item.weight) == item == (1, None, 2.5)
    assert pickle.loads(pickle.dumps(item)) == item
    assert type(pickle.loads(pickle.dumps(item))) is Item
    assert type(as_item((1, None, 2.5))) is Item
    assert to_json({"items": [item]}) == '{"items":[{"uid":1,"item":null,"weight":2.5}]}'
    assert to_json(item) == '{"uid":1,"item":null,"weight":2.5}'
