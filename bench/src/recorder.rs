//! A database between the planner and a driver that writes down what is sent.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use batchintory_wasmtime::{Database, DatabaseError, Dialect, Rows, Value};

/// A statement as it was sent, and what came back.
pub struct Sent {
    /// Its text.
    pub statement: String,
    /// Its parameters.
    pub parameters: Vec<Value>,
    /// What came back.
    pub rows: Rows,
}

/// Writes down what is sent to a database.
pub struct Recorder {
    database: Arc<dyn Database>,
    sent: Mutex<Vec<Sent>>,
}

impl Recorder {
    /// Before this database.
    pub fn before(database: Arc<dyn Database>) -> Arc<Self> {
        Arc::new(Self {
            database,
            sent: Mutex::default(),
        })
    }

    /// What was sent since the last time.
    pub fn take(&self) -> Vec<Sent> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *sent)
    }
}

#[async_trait]
impl Database for Recorder {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    fn schema(&self) -> Option<&str> {
        self.database.schema()
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let rows = self.database.query(statement, parameters).await?;
        let sent = Sent {
            statement: statement.to_owned(),
            parameters: parameters.to_vec(),
            rows: rows.clone(),
        };
        (self.sent.lock().unwrap_or_else(PoisonError::into_inner)).push(sent);
        Ok(rows)
    }
}
