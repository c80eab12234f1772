//! A database that only the program which is tested can reach.

use std::sync::Arc;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use batchintory_wasmtime::Database;
use serde_json::json;

use crate::databases::TestDatabase;
use crate::process_subject::{Line, ProcessSubject};
use crate::report;

/// The database that a program has opened last. It runs what comes as `{"sql": [statement,
/// parameters]}`, and gives no rows: tests only write by it.
struct ProcessDatabase {
    program: ProcessSubject,
    dialect: Dialect,
}

/// What the program has opened last, as a database of this system.
pub fn opened(program: &ProcessSubject, system: &'static str, dialect: Dialect) -> TestDatabase {
    report::database(system);
    TestDatabase::of(Arc::new(ProcessDatabase {
        program: program.clone(),
        dialect,
    }))
}

#[async_trait]
impl Database for ProcessDatabase {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let call = json!({ "sql": [statement, parameters] });
        match self.program.ask(&call).await {
            Ok(Line::Ok(_)) => Ok(Rows::default()),
            Ok(Line::Error(failure)) => Err(DatabaseError::refused("", failure.message)),
            Err(error) => Err(DatabaseError::OutcomeUnknown(format!("{error:?}"))),
        }
    }
}
