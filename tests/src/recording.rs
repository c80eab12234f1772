//! A database that remembers what it was asked, and can be made to fail.

use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use batchintory_wasmtime::{Database, Notifications};
use tokio::sync::watch;

/// What happens to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database cannot be reached.
    Unreachable,
    /// The statement takes effect, but its answer is lost.
    AnswerLost,
    /// The connection breaks before the statement takes effect, and nobody knows.
    StatementLost,
    /// Nobody answers.
    Hangs,
}

/// Passes statements on and remembers them.
pub struct Recording {
    database: Arc<dyn Database>,
    statements: Mutex<Vec<String>>,
    faults: Mutex<Vec<Option<Fault>>>,
    hanging: watch::Sender<bool>,
}

impl Recording {
    /// Over this database.
    pub fn new(database: Arc<dyn Database>) -> Arc<Self> {
        Arc::new(Self {
            database,
            statements: Mutex::default(),
            faults: Mutex::default(),
            hanging: watch::Sender::new(false),
        })
    }

    /// What happens to the next statements, in order; nothing to those after them.
    pub fn inject(&self, faults: &[Option<Fault>]) {
        let mut coming = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *coming = faults.iter().rev().copied().collect();
    }

    /// Waits until a statement hangs.
    pub async fn hangs(&self) {
        let mut hanging = self.hanging.subscribe();
        // It cannot fail while the sender is there.
        let _ = hanging.wait_for(|hangs| *hangs).await;
    }

    /// The statements since the last call.
    pub fn take(&self) -> Vec<String> {
        let mut statements = self
            .statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut statements)
    }
}

#[async_trait]
impl Database for Recording {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    fn schema(&self) -> Option<&str> {
        self.database.schema()
    }

    async fn listen(&self, channel: &str) -> Option<Notifications> {
        self.database.listen(channel).await
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(statement.to_owned());
        let fault = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .flatten();
        match fault {
            None => self.database.query(statement, parameters).await,
            Some(Fault::Unreachable) => Err(DatabaseError::Unavailable("no route".into())),
            Some(Fault::StatementLost) => Err(DatabaseError::OutcomeUnknown("reset".into())),
            Some(Fault::Hangs) => {
                self.hanging.send_replace(true);
                std::future::pending().await
            }
            Some(Fault::AnswerLost) => {
                self.database.query(statement, parameters).await?;
                Err(DatabaseError::OutcomeUnknown("reset".into()))
            }
        }
    }
}
