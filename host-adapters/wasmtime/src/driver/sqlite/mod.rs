//! SQLite, by rusqlite with the library built in.

mod errors;
mod values;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::connect::Access;
use crate::database::Database;

/// How long a statement waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many prepared statements are kept.
const STATEMENTS: usize = 64;

/// One SQLite database. Its statements run one after the other, on threads that may block.
pub(crate) struct Sqlite {
    connection: Arc<Mutex<Connection>>,
}

impl Sqlite {
    /// Opens a file, or `:memory:`.
    pub(crate) fn open(path: &str, access: Access) -> Result<Self, String> {
        if path.is_empty() {
            return Err("the path of the file is missing, as in sqlite:lake.sqlite".into());
        }
        let is_file = path != ":memory:";
        if is_file && access != Access::Create && !Path::new(path).exists() {
            return Err(format!("there is no file {path}"));
        }
        let flags = match access {
            Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let open = || -> rusqlite::Result<Connection> {
            let connection =
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // A name that is no column must be an error and not a string.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            if is_file && access != Access::ReadOnly && !connection.is_readonly("main")? {
                // Readers and the writer do not keep each other waiting.
                connection.pragma_update(None, "journal_mode", "wal")?;
            }
            // Finds out now whether the file is a database at all.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        let connection = open().map_err(|error| error.to_string())?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }
}

#[async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let connection = Arc::clone(&self.connection);
        let statement = statement.to_owned();
        let parameters = parameters.to_vec();
        let task = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            run(&connection, &statement, &parameters)
        });
        match task.await {
            Ok(answer) => answer,
            Err(error) => Err(DatabaseError::OutcomeUnknown(error.to_string())),
        }
    }
}

fn run(
    connection: &Connection,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    let mut prepared = connection
        .prepare_cached(statement)
        .map_err(errors::explain)?;
    let is_read_only = prepared.readonly();
    let columns = prepared.column_count();
    let parameters = rusqlite::params_from_iter(parameters.iter().map(values::Parameter));
    let mut found = prepared.query(parameters).map_err(errors::explain)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(errors::explain)? {
        let row = (0..columns)
            .map(|index| {
                row.get_ref(index)
                    .map_err(errors::explain)
                    .and_then(values::read)
            })
            .collect::<Result<_, _>>()?;
        rows.push(row);
    }
    drop(found);
    let affected = if is_read_only {
        0
    } else {
        connection.changes()
    };
    Ok(Rows { rows, affected })
}
