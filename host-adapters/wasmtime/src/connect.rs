//! Opening a database by its URL.

use std::sync::Arc;

use batchintory_database_url::{DatabaseUrl, System, Told};

use crate::database::Database;
use crate::driver::{mysql, postgres, sqlite};
use crate::error::Error;

/// What a database is opened for. For PostgreSQL and MySQL the server decides who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// An SQLite file must be there, and is only read: so meta tables are opened.
    ReadOnly,
    /// An SQLite file must be there, and is set to WAL mode.
    ReadWrite,
    /// An SQLite file is made when it is missing, and is set to WAL mode.
    Create,
}

/// Opens the database at a URL:
///
/// - SQLite: `sqlite:PATH` (also `sqlite://PATH`, so that `sqlite:///srv/lake.sqlite` is absolute), or
///   `sqlite::memory:`, with the options of SQLite's own URLs: `mode=ro`, `immutable=1`, …;
/// - PostgreSQL: `postgres://user:password@host:port/database?option=…` (also `postgresql://`, and with
///   the name of a Python driver as in `postgresql+psycopg2://`), as libpq reads it: several hosts
///   (`host1:5432,host2:5432`), sockets (`%2Ffolder`, or `?host=/folder`), its options, its environment
///   (`PGHOST`, `PGPASSWORD`, …), services, and `~/.pgpass`. What is not supported is refused by name. Besides,
///   `pool_size`, the most connections at once (16 by default), and `statement_timeout`, how long a statement may take
///   in milliseconds (5 minutes by default; 0 for as long as it likes);
/// - MySQL and MariaDB: `mysql://user:password@host:port/database?option=…` (also `mariadb://`, and with
///   the name of a Python driver), with the options `sslmode` and `sslrootcert` as above (but for
///   `verify-ca`), `connect_timeout` in seconds, `statement_timeout`, `pool_size`, and `socket`, the path of a Unix socket. The
///   database must be named: the inventory lies there, and meta tables that are named without one.
///
/// Characters that end a part of a URL are encoded in names, passwords and values: `@` is `%40`, `/` is `%2F`.
/// What could be read in two ways is refused.
///
/// # Errors
///
/// Of the URL, an error shows what is certainly no secret: scheme, hosts and database, or the scheme alone.
pub async fn connect(url: &str, access: Access) -> Result<Arc<dyn Database>, Error> {
    let told = Told::of(url);
    let fail = |reason: String| Error::Connect {
        url: told.shown().to_owned(),
        reason,
    };
    let parsed = DatabaseUrl::parse(url).map_err(|fault| fail(fault.to_string()))?;
    open(&parsed, access)
        .await
        .map_err(|words| fail(told.reason(words)))
}

async fn open(url: &DatabaseUrl, access: Access) -> Result<Arc<dyn Database>, String> {
    Ok(match url {
        DatabaseUrl::Sqlite(file) => Arc::new(sqlite::Sqlite::open(file, access)?),
        DatabaseUrl::Server(server) => match server.system {
            System::Postgresql => Arc::new(postgres::Postgres::connect(server).await?),
            System::Mysql => Arc::new(mysql::Mysql::connect(server).await?),
        },
    })
}
