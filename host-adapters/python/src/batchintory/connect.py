"""Opening a database: by a URL, or by what the program has of SQLAlchemy."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Union

from batchintory.database import Database, DatabaseError
from batchintory.database_url import Fault, ServerUrl, SqliteUrl, Told, parse
from batchintory.errors import BatchintoryError, ConnectError
from batchintory.url_engine import Access, engine_for, from_sqlalchemy, is_in_memory, is_read_only, written

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

    from batchintory.driver.session import Session

    #: A URL, or an engine or a connection of SQLAlchemy, or a driver of the program's own.
    Source = Union[str, os.PathLike[str], URL, Engine, Connection, Database]
else:
    # Whoever has one of SQLAlchemy's has imported it, which takes a while; hints are read without it.
    Source = Union[str, os.PathLike, Database, Any]

#: What SQLite says of a file that it cannot open, or not without writing: SQLITE_CANTOPEN, SQLITE_READONLY.
_CANNOT_BE_READ = frozenset({14, 8})

#: How many connections of a program's pool may have been closed before a new one is made.
_MOST_STALE = 100


def connect(source: Source, access: Access = "create") -> Database:
    """Opens a database.

    - A URL as SQLAlchemy takes it, or as the command line does: ``sqlite:PATH``,
      ``postgres://user:password@host/database``, ``mysql://…``. With the option ``pool_size``, the most
      connections at once (16 by default). An SQLite file that is only read must be there, and is not changed.
    - A path, such as a :class:`~pathlib.Path`: that of an SQLite file.
    - An engine: connections of the inventory's own are made by it.
    - A connection: used between its transactions; for one thread and process.
    - Anything with ``dialect``, ``schema`` and ``query``: see :class:`batchintory.database.Database`.
    """
    from sqlalchemy.engine import URL, Connection, Engine

    if isinstance(source, (str, URL, os.PathLike)):
        return _open(source, access)
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


#: What brings the module of a driver.
_PACKAGES = {
    "psycopg": "'batchintory[postgresql]'",
    "psycopg2": "psycopg2-binary",
    "pymysql": "'batchintory[mysql]'",
    "MySQLdb": "mysqlclient",
}


def _open(source: str | URL | os.PathLike[str], access: Access) -> Database:
    told = Told(_text(source))

    def failure(reason: str) -> ConnectError:
        return ConnectError(f"cannot open the database {told.shown}: {reason}")

    try:
        url = url_of(source)
        made = engine_for(url, access)
        database = _from_engine(made.engine, made.size, made.limit, made.statements)
        if isinstance(url, SqliteUrl):
            _set_up_file(url, database, access)
    except Fault as fault:
        raise failure(str(fault)) from None
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "")
        advice = f"; `pip install {package}` brings it" if package else ""
        raise failure(f"the module {error.name} is not installed{advice}") from error
    except BatchintoryError:
        raise
    except Exception as error:  # Drivers raise what they will, with options in its words.
        # What an error of SQLAlchemy's wraps says it without the statement and a link.
        words = str(getattr(error, "orig", None) or error)
        raise failure(told.reason(words)) from (error if told.is_certain else None)
    return database


def _text(source: str | URL | os.PathLike[str]) -> str:
    if isinstance(source, os.PathLike):
        return f"sqlite:{os.fspath(source)}"
    return source if isinstance(source, str) else written(source)


def url_of(source: str | URL | os.PathLike[str]) -> SqliteUrl | ServerUrl:
    """Reads a URL, or a path of an SQLite file.

    :raises Fault: where it is no such thing.
    """
    if isinstance(source, os.PathLike):
        return SqliteUrl(os.fspath(source), {})
    return parse(source) if isinstance(source, str) else from_sqlalchemy(source)


def _set_up_file(url: SqliteUrl, database: Database, access: Access) -> None:
    """Finds out whether the file is a database at all; the inventory's is made one whose readers and writer do not
    keep each other waiting."""
    try:
        if access == "read-only" or is_in_memory(url) or is_read_only(url):
            database.query("SELECT count(*) FROM sqlite_schema", ())
        else:
            database.query("PRAGMA journal_mode = wal", ())
    except DatabaseError as error:
        if access == "read-only" and int(error.code or 0) & 0xFF in _CANNOT_BE_READ:
            raise Fault(
                f"{error.message}; if the file is in WAL mode and its folder cannot be written to, it can be read "
                "where nobody writes to it: put ?immutable=1 behind its path"
            ) from error
        raise


def _from_engine(
    engine: Engine, size: int | None = None, limit: float | None = None, statements: int | None = None
) -> Database:
    from sqlalchemy.pool import NullPool, SingletonThreadPool, StaticPool

    from batchintory.driver.pooled import POOL_SIZE, PooledDatabase

    session = session_of(engine, statements)
    if isinstance(engine.pool, (StaticPool, SingletonThreadPool)) and size is None:
        # Its connection is the database: SQLite in memory.
        from batchintory.driver.borrowed import BorrowedDatabase

        return BorrowedDatabase(session, engine.connect(), None)

    def open_connection() -> Any:
        # The engine may have a pool, with connections that were closed meanwhile.
        for _ in range(_MOST_STALE):
            pooled = engine.raw_connection()
            pooled.detach()
            connection = pooled.dbapi_connection
            if isinstance(engine.pool, NullPool) or session.is_alive(connection, math.inf):
                break
            pooled.close()
        return connection

    database = PooledDatabase(
        session,
        open_connection,
        schema=_schema(engine),
        size=size or POOL_SIZE,
        limit=limit,
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


def session_of(engine: Engine, statements: int | None = None) -> Session:
    """What talks to the engine's databases, and keeps so many statements prepared where the module can do so."""
    import importlib

    from batchintory.driver import mysql, postgres, sqlite

    match engine.dialect.name, engine.dialect.driver:
        case "sqlite", "pysqlite":
            return sqlite.Sqlite()
        case "postgresql", "psycopg":
            return postgres.Psycopg(statements)
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
