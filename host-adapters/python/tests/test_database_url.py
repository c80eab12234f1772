"""URLs: the cases of ``tests/urls`` that hold for all of batchintory's hosts."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from batchintory import ConnectError, Inventory
from batchintory.database_url import KNOWN, Fault, ServerUrl, Told, parse
from batchintory.url_engine import libpq_parameters

URLS = Path(__file__).parents[3] / "tests" / "urls"
PASSWORDS = json.loads((URLS / "passwords.json").read_text())
CASES = PASSWORDS["cases"]
POSTGRES = json.loads((URLS / "postgres.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["url"])
def test_a_url_is_shown_without_what_may_be_secret(case: dict[str, Any]) -> None:
    assert Told(case["url"]).shown == case["shown"]
    try:
        said = repr(parse(case["url"]))
    except Fault as fault:
        said = str(fault)
    assert not any(piece in said for piece in case["pieces"])


@pytest.mark.parametrize("case", [case for case in CASES if case["pieces"]], ids=lambda case: case["url"])
def test_no_piece_of_a_password_is_told_when_a_database_cannot_be_opened(case: dict[str, Any]) -> None:
    with pytest.raises(ConnectError) as caught:
        Inventory(case["url"])
    assert case["shown"] in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    # The line of this test shows no URL.
    assert not any(piece in told for piece in case["pieces"]), told


@pytest.mark.parametrize("case", [case for case in CASES if case["pieces"]], ids=lambda case: case["url"])
def test_no_piece_of_a_password_is_told_of_an_url_of_sqlalchemy(case: dict[str, Any]) -> None:
    try:
        url = make_url(case["url"]).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        return
    with pytest.raises(ConnectError) as caught:
        Inventory(url)
    told = "".join(traceback.format_exception(caught.value))
    assert not any(piece in told for piece in case["pieces"]), told


def test_the_same_options_are_known_everywhere() -> None:
    assert sorted(KNOWN) == PASSWORDS["options"]


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], str]:
    """Sets a case's environment and files up, and gives its URL."""

    def set_up(case: dict[str, Any]) -> str:
        for name in list(os.environ):
            if name.startswith("PG"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        for name, value in case.get("environment", {}).items():
            monkeypatch.setenv(name, value.replace("{folder}", str(tmp_path)))
        for name, content in case.get("files", {}).items():
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(content)
            file.chmod(0o600)
        return str(case["url"]).replace("{folder}", str(tmp_path))

    return set_up


@pytest.mark.parametrize("case", POSTGRES, ids=lambda case: case["url"])
def test_urls_of_postgresql_mean_what_libpq_makes_of_them(
    case: dict[str, Any], surroundings: Callable[[dict[str, Any]], str]
) -> None:
    source = surroundings(case)
    if "refused" in case and "python" not in case.get("accepted_by", ()):
        with pytest.raises(ConnectError) as caught:
            Inventory(source)
        assert case["refused"] in str(caught.value)
        return
    url = parse(source)
    assert isinstance(url, ServerUrl)
    info = make_conninfo("", **libpq_parameters(url))
    connection = PGconn.connect_start(info.encode())
    given = {option.keyword.decode(): option.val.decode() for option in connection.info if option.val}
    given["password"] = (connection.password or b"").decode()
    for name, value in case.get("gives", {}).items():
        assert given.get(name, "") == (value or ""), name
    connection.finish()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("case", [case for case in POSTGRES if "gives" in case], ids=lambda case: case["url"])
def test_no_driver_refuses_what_libpq_takes(
    case: dict[str, Any], driver: str, surroundings: Callable[[dict[str, Any]], str]
) -> None:
    source = surroundings(case)
    with pytest.raises(ConnectError) as caught:
        Inventory(source.replace(source.partition(":")[0], f"postgresql+{driver}", 1))
    said = str(caught.value)
    assert "could not" not in said or "translate" in said, said
    assert "invalid" not in said.replace("h1.invalid", "").replace("h2.invalid", ""), said
