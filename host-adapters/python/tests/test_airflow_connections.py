"""Where connections of Airflow lead. Airflow itself is in tests/platforms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from batchintory import SettingsError
from batchintory.airflow.connection_types import place_of

SECRET = "p@ss/w:rd?#%41"


def connection(conn_type: str, extra: dict[str, Any] | None = None, **fields: Any) -> Any:
    """What Airflow gives."""
    names = ("host", "login", "password", "port", "schema")
    given = {name: fields.get(name) for name in names}
    return SimpleNamespace(conn_id="lake", conn_type=conn_type, extra_dejson=extra or {}, **given)


@pytest.mark.parametrize(
    ("conn_type", "extra", "system"),
    [
        ("postgres", {}, "postgresql"),
        ("mysql", {}, "mysql"),
        ("batchintory", {}, "postgresql"),
        ("batchintory", {"system": "mysql"}, "mysql"),
    ],
)
def test_a_server_is_named_by_the_fields(conn_type: str, extra: dict[str, str], system: str) -> None:
    fields = {"host": "db", "login": "me", "password": SECRET, "port": 5433, "schema": "lake"}
    place = place_of(connection(conn_type, {**extra, "sslmode": "require", "meta_name": "east"}, **fields))
    url = place.url
    assert (url.drivername, url.host, url.port, url.database) == (system, "db", 5433, "lake")
    assert (url.username, url.password, dict(url.query)) == ("me", SECRET, {"sslmode": "require"})
    assert (place.arguments, place.meta) == ({"meta_name": "east"}, None)
    assert SECRET not in repr(place)


def test_a_file_is_named_by_the_host() -> None:
    for conn_type, extra in (("sqlite", {}), ("batchintory", {"system": "sqlite"})):
        place = place_of(connection(conn_type, {**extra, "meta_conn_id": "other"}, host="/srv/lake.sqlite"))
        assert (place.url.drivername, place.url.database) == ("sqlite", "/srv/lake.sqlite")
        assert place.meta == "other"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            connection("http", password=SECRET),
            "'lake' is of the type 'http'; known here are batchintory, postgres",
        ),
        (connection("sqlite"), "names no file: its host is to be the path"),
        (connection("batchintory", {"system": SECRET}), "unknown system in its extras; known are postgresql"),
        (connection("postgres", {"keys": {"private": SECRET}}), "an extra 'keys' that is neither a text nor"),
    ],
)
def test_what_cannot_be_an_inventory_is_refused_without_its_secrets(given: Any, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        place_of(given)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)
