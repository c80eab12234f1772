"""Databases to test on: an SQLite file, or a database of its own on a test server."""

from __future__ import annotations

import gc
import itertools
import os
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine

from batchintory import AcquireRequest, Batch, HistoryQuery, Inventory

_numbers = itertools.count()
_VARIABLES = {"postgresql": "BATCHINTORY_TEST_POSTGRES", "mysql": "BATCHINTORY_TEST_MYSQL"}


def on_server(system: str, options_of_database: str = "") -> str:
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
        letters = "CHARACTER SET utf8mb4" if system == "mysql" else options_of_database
        connection.execute(text(f"CREATE DATABASE {name} {letters}"))
    engine.dispose()
    return before.rpartition("/")[0] + "/" + name + (f"?{options}" if options else "")


class Proxy:
    """Between clients and a server, whose connections it may cut as a server or a pooler does."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @classmethod
    def before(cls, url: URL) -> Proxy:
        """Before the server of this URL."""
        assert url.host is not None
        assert url.port is not None
        return cls(url.host, url.port)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Closes all connections; the clients' systems know it when this returns."""
        while self._clients:
            client = self._clients.pop()
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._clients.append(client)
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


def sqlalchemy_url(url: str, driver: str = "") -> str:
    """As SQLAlchemy takes it."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        return url if rest.startswith("//") else f"sqlite:///{rest}"
    drivers = {"postgres": "postgresql+" + (driver or "psycopg"), "mysql": "mysql+pymysql"}
    return drivers[scheme] + ":" + rest


def async_url(url: str, driver: str = "") -> str:
    """As SQLAlchemy takes it for an event loop; the driver is PostgreSQL's or MySQL's."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        return f"sqlite+aiosqlite:///{rest}"
    drivers = {"postgres": "postgresql+" + (driver or "asyncpg"), "mysql": "mysql+" + (driver or "aiomysql")}
    return f"{drivers[scheme]}:{rest}"


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

    def make(url: str | URL, **options: Any) -> Engine:
        engines.append(create_engine(sqlalchemy_url(url) if isinstance(url, str) else url, **options))
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


def request_of(count: int | None = 10, job: str = "job", **options: Any) -> AcquireRequest:
    """A request for so many files at once."""
    return AcquireRequest("files", job, max_count=count, **options)


def claim(inventory: Inventory, **options: Any) -> Batch:
    """The next batch of some files."""
    batch = inventory.acquire(request_of(**options))
    assert isinstance(batch, Batch)
    return batch


@contextmanager
def nothing_forgotten() -> Iterator[None]:
    """No batch is forgotten meanwhile."""
    # Those of the tests before.
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [warning for warning in caught if "was forgotten" in str(warning.message)] == []


def latest(inventory: Inventory) -> Any:
    """The attempt that was begun last."""
    return inventory.history(HistoryQuery(limit=1))[0]
