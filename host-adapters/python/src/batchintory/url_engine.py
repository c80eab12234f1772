"""Engines of SQLAlchemy for URLs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote

from batchintory.database_url import LIBPQ, Fault, Host, ServerUrl, SqliteUrl, System, is_host, unsupported
from batchintory.driver.pooled import POOL_SIZE

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

#: What a database is opened for. For PostgreSQL and MySQL the server decides who may do what.
Access = Literal["read-only", "create"]

#: How long connecting may take, in seconds, unless said otherwise.
CONNECT_TIMEOUT = 10

#: How long a statement may take, in seconds, unless said otherwise: most take some milliseconds, and few a minute.
STATEMENT_TIMEOUT = 300.0

#: How long what was sent may go without an acknowledgement, in milliseconds, unless said otherwise: the network is
#: gone then, or the machine at its other end.
TCP_USER_TIMEOUT = 30_000

#: Options of a URL that are no driver's.
_OWN = frozenset({"pool_size", "statement_cache", "statement_timeout"})

#: Options of SQLite's own URLs, and of Python's module for it.
_SQLITE = frozenset({"cache", "immutable", "mode", "nolock", "psow", "vfs"})
_SQLITE3 = frozenset({"check_same_thread", "timeout", "uri"})

#: Options of PyMySQL and mysqlclient that a program may set.
_MYSQL = frozenset(
    {"charset", "collation", "connect_timeout", "init_command", "local_infile", "program_name", "read_timeout"}
    | {"socket", "sql_mode", "ssl_ca", "ssl_cert", "ssl_disabled", "ssl_key", "ssl_verify_cert"}
    | {"ssl_verify_identity", "unix_socket", "use_unicode", "write_timeout"}
)
_LIBPQ = LIBPQ | {"ssl"}


class Made(NamedTuple):
    """An engine without a pool."""

    engine: Engine
    #: How many connections there may be at once.
    size: int
    #: How many seconds a statement may take.
    limit: float | None = None
    #: How many statements a connection keeps prepared, if the URL says so.
    statements: int | None = None


def engine_for(url: SqliteUrl | ServerUrl, access: Access) -> Made:
    """An engine for a URL."""
    if isinstance(url, SqliteUrl):
        return Made(*_sqlite(url, access))
    make, supported = (_postgres, _LIBPQ) if url.system == "postgresql" else (_mysql, _MYSQL)
    if refusal := unsupported(url.options, supported | _OWN):
        raise Fault(refusal)
    size, limit = _pool_size(url.options.get("pool_size", "")), _limit(url.options.get("statement_timeout", ""))
    statements = _statements(url.options.get("statement_cache", ""))
    return Made(make(url), size, limit, statements)


def from_sqlalchemy(url: URL) -> SqliteUrl | ServerUrl:
    """A URL of SQLAlchemy's."""
    name = url.get_backend_name()
    options = {name: value for name, value in url.query.items() if isinstance(value, str)}
    repeated = {name: value for name, value in url.query.items() if not isinstance(value, str)}
    if name == "sqlite":
        return SqliteUrl(url.database or ":memory:", options)
    if name not in ("postgresql", "mysql", "mariadb"):
        raise Fault("its scheme is not known; known are sqlite, postgres, mysql and mariadb")
    hosts = [Host(url.host, url.port)] if url.host else []
    # Several hosts, as SQLAlchemy writes them.
    for text in repeated.pop("host", ()):
        host, _, port = text.partition(":")
        hosts.append(Host(host, int(port) if port else None))
    for repeated_name in repeated:
        raise Fault(f"the option {repeated_name} is given twice")
    driver = url.drivername.partition("+")[2] or None
    password = None if url.password is None else str(url.password)
    system: System = "postgresql" if name == "postgresql" else "mysql"
    return ServerUrl(system, driver, url.username, password, tuple(hosts), url.database, options)


def written(url: URL) -> str:
    """A URL of SQLAlchemy's as a text. SQLAlchemy reads some passwords that are not encoded in its own way, and
    takes what follows for the host: where this may have been so, a text that can be read in two ways."""
    text = url.render_as_string(hide_password=False)
    return f"{text}@" if set(f"{url.username}{url.password}") & set("@/?#") else text


def is_read_only(url: SqliteUrl) -> bool:
    """Whether the URL itself says that the file is only read."""
    return url.options.get("mode") == "ro" or url.options.get("immutable", "") not in ("", "0")


def is_in_memory(url: SqliteUrl) -> bool:
    """Whether the database lives no longer than its connection."""
    return url.path == ":memory:"


def _sqlite(url: SqliteUrl, access: Access) -> tuple[Engine, int]:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import URL
    from sqlalchemy.pool import NullPool, StaticPool

    if refusal := unsupported(url.options, _SQLITE | _SQLITE3):
        raise Fault(refusal)
    arguments = {"check_same_thread": False}
    if is_in_memory(url):
        return create_engine("sqlite://", poolclass=StaticPool, connect_args=arguments), 1
    options = {name: value for name, value in url.options.items() if value and name in _SQLITE}
    is_uri = url.path.startswith("file:")
    if access == "read-only":
        if not is_uri and not os.path.exists(url.path):
            raise Fault("there is no such file")
        options["mode"] = "ro"
    if options and not is_uri:
        path, is_uri = "file:" + quote(url.path), True
    else:
        path = url.path
    query = {**options, **({"uri": "true"} if is_uri else {})}
    made = URL.create("sqlite", database=path, query=query)
    return create_engine(made, poolclass=NullPool, connect_args=arguments), POOL_SIZE


def libpq_parameters(url: ServerUrl) -> dict[str, str]:
    """What libpq is told; what is not told it takes from services, the environment and the user's home."""
    hosts = ",".join(host.name for host in url.hosts)
    ports = ",".join(str(host.port or "") for host in url.hosts)
    given = {
        "host": hosts,
        "port": ports if ports.strip(",") else "",
        "user": url.user,
        "password": url.password,
        "dbname": url.database,
        "fallback_application_name": "batchintory",
        **url.options,
    }
    parameters = {name: value for name, value in given.items() if value and name not in _OWN}
    if (ssl := parameters.pop("ssl", None)) is not None:
        if ssl != "true":
            raise Fault("ssl is supported only as true; use sslmode")
        parameters["sslmode"] = "require"
    if not all(map(is_host, parameters.get("host", "").split(","))):
        raise Fault("host must name servers, or the folders of their sockets")
    has_service = "service" in parameters or os.environ.get("PGSERVICE")
    if not has_service and not os.environ.get("PGCONNECT_TIMEOUT"):
        parameters.setdefault("connect_timeout", str(CONNECT_TIMEOUT))
    if not has_service:
        parameters.setdefault("tcp_user_timeout", str(TCP_USER_TIMEOUT))
    return parameters


def _postgres(url: ServerUrl) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import URL
    from sqlalchemy.pool import NullPool

    driver = url.driver or _installed("psycopg", "psycopg2")
    parameters: dict[str, str | None] = {**libpq_parameters(url)}
    if driver == "psycopg":
        # Its own names for statements are the same in every process; ours are not.
        parameters["prepare_threshold"] = None
    return create_engine(URL.create(f"postgresql+{driver}"), poolclass=NullPool, connect_args=parameters)


def _mysql(url: ServerUrl) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import URL
    from sqlalchemy.pool import NullPool

    driver = url.driver or {"pymysql": "pymysql", "MySQLdb": "mysqldb"}[_installed("pymysql", "MySQLdb")]
    if len(url.hosts) > 1:
        raise Fault("several hosts are not supported for MySQL; name one")
    host = url.hosts[0] if url.hosts else None
    options = {name: value for name, value in url.options.items() if value and name not in _OWN}
    made = URL.create(
        f"mysql+{driver}",
        username=url.user,
        password=url.password,
        host=host.name if host else None,
        port=host.port if host else None,
        database=url.database,
        query={("unix_socket" if name == "socket" else name): value for name, value in options.items()},
    )
    defaults = {} if "connect_timeout" in options else {"connect_timeout": CONNECT_TIMEOUT}
    return create_engine(made, poolclass=NullPool, connect_args=defaults)


def _pool_size(given: str) -> int:
    if not given:
        return POOL_SIZE
    if not (given.isascii() and given.isdecimal()) or int(given) < 1:
        raise Fault("pool_size must be a number above 0")
    return int(given)


def _limit(given: str) -> float | None:
    if not given:
        return STATEMENT_TIMEOUT
    if not (given.isascii() and given.isdecimal()):
        raise Fault("statement_timeout must be a whole number of milliseconds, or 0")
    return int(given) / 1000 or None


def _statements(given: str) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdecimal()) or int(given) > 9_999:
        raise Fault("statement_cache must be a whole number from 0 to 9999")
    return int(given)


def _installed(first: str, second: str) -> str:
    from importlib.util import find_spec

    return second if find_spec(first) is None and find_spec(second) else first
