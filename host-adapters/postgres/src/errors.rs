//! PostgreSQL's errors as those of the boundary.

use std::error::Error as _;

use batchintory::DatabaseError;
use tokio_postgres::Error;

/// Explains the error of a statement that was sent.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn explain(error: Error) -> DatabaseError {
    match error.as_db_error() {
        Some(refused) => DatabaseError::refused(refused.code().code(), refused.message()),
        // The answer did not come, or cannot be read; what the server did is not known.
        None => DatabaseError::OutcomeUnknown(message(&error)),
    }
}

/// The server's words, or an error with what caused it.
#[must_use]
pub fn message(error: &Error) -> String {
    if let Some(refused) = error.as_db_error() {
        return refused.message().to_owned();
    }
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}
