//! A database that could not be opened, for commands which can do without.

use async_trait::async_trait;
use batchintory_wasmtime::{Database, DatabaseError, Dialect, Error, Rows, Value};

/// Answers every statement with the reason why the database could not be opened.
pub struct Unreachable {
    dialect: Dialect,
    reason: String,
}

impl Unreachable {
    /// For the database at this URL.
    pub fn new(url: &str, error: &Error) -> Self {
        Self {
            dialect: if url.starts_with("sqlite:") {
                Dialect::Sqlite
            } else {
                Dialect::Postgresql
            },
            reason: error.to_string(),
        }
    }
}

#[async_trait]
impl Database for Unreachable {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn query(&self, _: &str, _: &[Value]) -> Result<Rows, DatabaseError> {
        Err(DatabaseError::Unavailable(self.reason.clone()))
    }
}
