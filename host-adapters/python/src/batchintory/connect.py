"""Opening a database: by a URL, or by what the program has of SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from batchintory.database import Database, DatabaseError
from batchintory.errors import ConnectError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

    from batchintory.driver.session import Session

    #: A URL, or an engine or a connection of SQLAlchemy, or a driver of the program's own.
    Source = Union[str, URL, Engine, Connection, Database]

#: How long connecting may take, in seconds, unless the URL says otherwise.
_CONNECT_TIMEOUT = 10


def connect(source: Source) -> Database:
    """Opens a database.

    - A URL as SQLAlchemy takes it, or as the command line does: ``sqlite:PATH``,
      ``postgres://user:password@host/database``, ``mysql://…``. With the option ``pool_size``, the most
      connections at once (16 by default).
    - An engine: connections of the inventory's own are made by it.
    - A connection: used between its transactions; for one thread and process.
    - Anything with ``dialect``, ``schema`` and ``query``: see :class:`batchintory.database.Database`.
    """
    from sqlalchemy.engine import URL, Connection, Engine

    if isinstance(source, (str, URL)):
        return _open(source)
    if isinstance(source, Engine):
        return _from_engine(source)
    if isinstance(source, Connection):
        from batchintory.driver.borrowed import BorrowedDatabase

        schema = _schema(source.engine)
        return BorrowedDatabase(session_of(source.engine), source, schema)
    if hasattr(source, "query") and hasattr(source, "dialect"):
        return source
    raise ConnectError(
        f"a {type(source).__name__} is no database; give a URL, or an engine or a connection of SQLAlchemy"
    )


def _open(text: str | URL) -> Database:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    from sqlalchemy.pool import NullPool, StaticPool

    shown = redact(text) if isinstance(text, str) else text.render_as_string()
    try:
        url = _as_url(text) if isinstance(text, str) else text
        size = _pool_size(url)
        url = url.difference_update_query(["pool_size"])
        dialect = url.get_backend_name()
        options: dict[str, Any] = {"poolclass": NullPool, "connect_args": _connect_args(url)}
        if dialect == "sqlite":
            in_memory = url.database in (None, "", ":memory:")
            if in_memory:
                options["poolclass"] = StaticPool
                size = 1
        engine = create_engine(url, **options)
        database = _from_engine(engine, size=size)
        if dialect == "sqlite" and not in_memory:
            # Readers and the writer do not keep each other waiting.
            database.query("PRAGMA journal_mode = wal", ())
    except DatabaseError as error:
        raise ConnectError(f"cannot open the database {shown}: {error.message}") from error
    except ModuleNotFoundError as error:
        raise ConnectError(
            f"cannot open the database {shown}: the module {error.name} is not installed; "
            "`pip install 'batchintory[postgresql]'` or `'batchintory[mysql]'` brings one"
        ) from error
    except (ArgumentError, ValueError) as error:
        reason = str(error).replace(str(text), shown)
        raise ConnectError(f"cannot open the database {shown}: {reason}") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error)
        raise ConnectError(f"cannot open the database {shown}: {reason}") from error
    return database


def _as_url(text: str) -> URL:
    from sqlalchemy.engine import make_url

    scheme, separator, rest = text.partition(":")
    if not separator:
        raise ValueError("a URL such as sqlite:lake.sqlite or postgres://… is wanted")
    if scheme == "sqlite" and not rest.startswith("//"):
        return make_url("sqlite://").set(database=rest)
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+" + _installed("psycopg", "psycopg2")
    elif scheme in ("mysql", "mariadb"):
        scheme += "+" + {"pymysql": "pymysql", "MySQLdb": "mysqldb"}[_installed("pymysql", "MySQLdb")]
    return make_url(f"{scheme}:{rest}")


def _installed(first: str, second: str) -> str:
    from importlib.util import find_spec

    return second if find_spec(first) is None and find_spec(second) else first


def _pool_size(url: URL) -> int:
    from batchintory.driver.pooled import POOL_SIZE

    given = url.query.get("pool_size")
    if given is None:
        return POOL_SIZE
    if not isinstance(given, str) or not given.isdecimal() or int(given) < 1:
        raise ValueError(f"pool_size must be a number above 0, not {given!r}")
    return int(given)


def _connect_args(url: URL) -> dict[str, Any]:
    match url.get_backend_name():
        case "sqlite":
            return {"check_same_thread": False}
        case "postgresql":
            defaults = {"application_name": "batchintory", "connect_timeout": _CONNECT_TIMEOUT}
        case _:
            defaults = {"connect_timeout": _CONNECT_TIMEOUT}
    return {name: value for name, value in defaults.items() if name not in url.query}


def _from_engine(engine: Engine, size: int | None = None) -> Database:
    from sqlalchemy.pool import SingletonThreadPool, StaticPool

    from batchintory.driver.pooled import POOL_SIZE, PooledDatabase

    session = session_of(engine)
    if isinstance(engine.pool, (StaticPool, SingletonThreadPool)) and size is None:
        # Its connection is the database: SQLite in memory.
        from batchintory.driver.borrowed import BorrowedDatabase

        return BorrowedDatabase(session, engine.connect(), None)

    def open_connection() -> Any:
        pooled = engine.raw_connection()
        pooled.detach()
        return pooled.dbapi_connection

    database = PooledDatabase(
        session,
        open_connection,
        schema=_schema(engine),
        size=size or POOL_SIZE,
        after_fork=lambda: engine.dispose(close=False),
    )
    database.open_first()
    return database


def _schema(engine: Engine) -> str | None:
    """In MySQL the connection's database is the schema of names without one."""
    if engine.dialect.name not in ("mysql", "mariadb"):
        return None
    if not engine.url.database:
        raise ConnectError("the URL names no database; write one behind the host, as in mysql://user@host/lake")
    return engine.url.database


def session_of(engine: Engine) -> Session:
    """What talks to the engine's databases."""
    import importlib

    from batchintory.driver import mysql, postgres, sqlite

    match engine.dialect.name, engine.dialect.driver:
        case "sqlite", "pysqlite":
            return sqlite.Sqlite()
        case "postgresql", "psycopg":
            return postgres.Psycopg()
        case "postgresql", "psycopg2":
            return postgres.Psycopg2()
        case (("mysql" | "mariadb"), "pymysql"):
            return mysql.Mysql(importlib.import_module("pymysql"))
        case (("mysql" | "mariadb"), "mysqldb"):
            return mysql.Mysql(importlib.import_module("MySQLdb"))
        case name, driver:
            raise ConnectError(
                f"SQLAlchemy's {name}+{driver} is not known here; known are sqlite, postgresql+psycopg, "
                "postgresql+psycopg2, mysql+pymysql and mysql+mysqldb"
            )


def redact(url: str) -> str:
    """The URL without its password, for messages."""
    # A password may hold anything, even what ends an authority: leave out all between the user's name and the
    # last `@`, and the values of options that are secrets.
    before, question, options = url.partition("?")
    if "@" in options:
        before, question, options = url, "", ""
    scheme, separator, rest = before.partition("://")
    if separator and "@" in rest:
        credentials, _, host = rest.rpartition("@")
        user, colon, _ = credentials.partition(":")
        before = f"{scheme}://{user}{':…' if colon else ''}@{host}"
    shown = []
    for option in options.split("&") if question else ():
        name, equals, _ = option.partition("=")
        shown.append(f"{name}=…" if equals and "password" in name.lower() else option)
    return before + question + "&".join(shown)
