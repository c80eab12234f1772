//! SQLite, by rusqlite with the library built in.

mod errors;
mod place;
mod running;
mod values;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use batchintory_database_url::SqliteUrl;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::connect::Access;
use crate::database::Database;
use place::Place;
use running::Running;

/// How long a statement waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many prepared statements are kept.
const STATEMENTS: usize = 64;

/// One SQLite database. Its statements run one after the other, on threads that may block.
pub(crate) struct Sqlite {
    connection: Arc<Mutex<Connection>>,
    running: Running,
}

impl Sqlite {
    /// Opens a file, or `:memory:`. A file that is only read is left as it is.
    pub(crate) fn open(url: &SqliteUrl, access: Access) -> Result<Self, String> {
        let place = Place::of(url, access)?;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&place.name, place.flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // A name that is no column must be an error and not a string.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            if !place.is_in_memory && !place.is_read_only && !connection.is_readonly("main")? {
                // Readers and the writer do not keep each other waiting.
                connection.pragma_update(None, "journal_mode", "wal")?;
            }
            // Finds out now whether the file is a database at all.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        let connection = open().map_err(|error| place.explain(&error))?;
        Ok(Self {
            running: Running::on(&connection),
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
        let (asked, waiting) = self.running.ask();
        let task = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(_begun) = asked.begin() else {
                return Err(DatabaseError::Unavailable("it was given up".into()));
            };
            run(&connection, &statement, &parameters)
        });
        // Where this is dropped, so is the statement.
        let _waiting = waiting;
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
