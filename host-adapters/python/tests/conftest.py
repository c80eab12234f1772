"""Databases to test on: an SQLite file, or a database of its own on a test server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from batchintory import AcquireRequest, Inventory

_numbers = itertools.count()
_VARIABLES = {"postgresql": "BATCHINTORY_TEST_POSTGRES", "mysql": "BATCHINTORY_TEST_MYSQL"}


def on_server(system: str) -> str:
    """The URL of a new database on the test server; it is left behind."""
    variable = _VARIABLES[system]
    server = os.environ.get(variable)
    if not server:
        pytest.fail(
            f"no {system} to test on: run `cargo xtask test`, or set {variable} to the URL of a server on which "
            "databases may be created"
        )
    name = f"python_{os.getpid()}_{next(_numbers)}"
    before, _, options = server.partition("?")
    engine = create_engine(sqlalchemy_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        letters = " CHARACTER SET utf8mb4" if system == "mysql" else ""
        connection.execute(text(f"CREATE DATABASE {name}{letters}"))
    engine.dispose()
    return before.rpartition("/")[0] + "/" + name + (f"?{options}" if options else "")


def sqlalchemy_url(url: str, driver: str = "") -> str:
    """As SQLAlchemy takes it."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        return url if rest.startswith("//") else f"sqlite:///{rest}"
    return {"postgres": "postgresql+" + (driver or "psycopg"), "mysql": "mysql+pymysql"}[scheme] + ":" + rest


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'lake.sqlite'}"


@pytest.fixture
def postgres_url() -> str:
    return on_server("postgresql")


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind."""
    return f"sqlite:{tmp_path / 'lake.sqlite'}" if request.param == "sqlite" else on_server(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def url_of_two(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the kinds that matter for transactions."""
    return f"sqlite:{tmp_path / 'lake.sqlite'}" if request.param == "sqlite" else on_server(request.param)


def fill(engine: Engine, ids: range = range(1, 101), table: str = "files") -> None:
    """Makes a meta table with these ids; each item weighs 10."""
    with engine.begin() as connection:
        connection.execute(
            text(f"CREATE TABLE {table} (uid bigint PRIMARY KEY, item varchar(100), weight double precision)")
        )
        connection.execute(
            text(f"INSERT INTO {table} VALUES (:uid, :item, 10)"),
            [{"uid": uid, "item": f"file-{uid}"} for uid in ids],
        )


MakeInventory = Callable[..., Inventory]


@pytest.fixture
def engine_of() -> Iterator[Callable[[str], Engine]]:
    """Engines of the test's own."""
    engines: list[Engine] = []

    def make(url: str, **options: Any) -> Engine:
        engines.append(create_engine(sqlalchemy_url(url), **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def lake(engine_of: Callable[[str], Engine]) -> Iterator[MakeInventory]:
    """Opens an inventory beside a meta table of 100 files."""
    opened: list[Inventory] = []

    def make(url: str, ids: range = range(1, 101), **options: Any) -> Inventory:
        fill(engine_of(url), ids)
        inventory = Inventory(url, **options)
        inventory.migrate()
        opened.append(inventory)
        return inventory

    yield make
    for inventory in opened:
        inventory.close()


def request_of(count: int | None = 10, **options: Any) -> AcquireRequest:
    """A request for so many files at once."""
    return AcquireRequest("files", "job", max_count=count, **options)
