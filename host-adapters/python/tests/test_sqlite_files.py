"""SQLite files of others: they are read as they are, wherever they lie."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import request_of
from sqlalchemy.engine import URL

from batchintory import Batch, ConnectError, Inventory


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A meta table of two files, in a folder of its own."""
    folder = tmp_path / "their files"
    folder.mkdir()
    file = folder / "lake#1.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)")
    connection.execute("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 1)")
    connection.commit()
    connection.close()
    return file


@contextmanager
def nobody() -> Iterator[None]:
    """Root may write where nobody else may."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def close(folder: Path, home: Path) -> None:
    """Lets nobody write in the folder, and anybody in the one around it."""
    folder.chmod(0o555)
    home.chmod(0o777)
    for outer in home.parents:
        if outer.stat().st_uid == os.geteuid() and outer.stat().st_mode & 0o055 != 0o055:
            outer.chmod(outer.stat().st_mode | 0o055)


def digest(file: Path) -> tuple[str, list[str]]:
    return hashlib.sha256(file.read_bytes()).hexdigest(), sorted(os.listdir(file.parent))


def works(tmp_path: Path, meta: str | URL) -> None:
    with Inventory(f"sqlite:{tmp_path / 'inventory.sqlite'}", meta) as inventory:
        inventory.migrate()
        batch = inventory.acquire(request_of())
        assert isinstance(batch, Batch)
        assert batch.items == ["a", "b"]
        batch.succeed()


def test_a_meta_file_is_left_as_it_is_while_the_inventory_s_is_in_wal_mode(tmp_path: Path, lake: Path) -> None:
    before = digest(lake)
    works(tmp_path, f"sqlite:{lake}")
    assert digest(lake) == before
    mode = sqlite3.connect(tmp_path / "inventory.sqlite").execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal",)


@pytest.mark.parametrize("options", ["", "?mode=ro", "?mode=rw", "?immutable=1", "?mode=ro&immutable=1"])
def test_a_meta_file_may_be_read_only_in_a_folder_that_is(tmp_path: Path, lake: Path, options: str) -> None:
    before = digest(lake)
    lake.chmod(0o444)
    close(lake.parent, tmp_path)
    works(tmp_path, f"sqlite:{lake}{options}")
    (tmp_path / "inventory.sqlite").unlink()
    with nobody():
        works(tmp_path, f"sqlite:{lake}{options}")
    assert digest(lake) == before


def test_a_file_in_wal_mode_that_nobody_may_write_beside_is_told(tmp_path: Path, lake: Path) -> None:
    sqlite3.connect(lake).execute("PRAGMA journal_mode = wal")
    assert sorted(os.listdir(lake.parent)) == [lake.name]
    close(lake.parent, tmp_path)
    with nobody():
        with pytest.raises(ConnectError, match=r"\?immutable=1"):
            works(tmp_path, f"sqlite:{lake}")
        works(tmp_path, f"sqlite:{lake}?immutable=1")


def test_urls_of_sqlite_itself_and_of_sqlalchemy_say_the_same(tmp_path: Path, lake: Path) -> None:
    before = digest(lake)
    path = str(lake).replace(" ", "%20").replace("#", "%23")
    works(tmp_path, f"sqlite:///file:{path}?mode=ro&uri=true")
    (tmp_path / "inventory.sqlite").unlink()
    works(tmp_path, URL.create("sqlite", database=f"file:{path}", query={"immutable": "1", "uri": "true"}))
    assert digest(lake) == before


def test_a_meta_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for options in ("", "?mode=ro", "?mode=rwc"):
        with pytest.raises(ConnectError, match="there is no such file"):
            works(tmp_path, f"sqlite:{tmp_path / 'none.sqlite'}{options}")
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(ConnectError, match="option 1 is not known"):
        works(tmp_path, f"sqlite:{tmp_path / 'none.sqlite'}?vfs2=x")
    with pytest.raises(ConnectError, match="the option sslmode is not supported"):
        works(tmp_path, f"sqlite:{tmp_path / 'none.sqlite'}?sslmode=x")
