//! SQLite's errors as those of the boundary.

use batchintory::DatabaseError;
use rusqlite::{Error, ffi};

/// Explains an error. SQLite lives in this process, so it is always known that a statement with an
/// error had no effect.
pub(super) fn explain(error: Error) -> DatabaseError {
    let (code, message) = match error {
        Error::SqlInputError { error, msg, .. } => (error.extended_code, msg),
        Error::SqliteFailure(error, message) => {
            let message = message.unwrap_or_else(|| error.to_string());
            (error.extended_code, message)
        }
        other => (ffi::SQLITE_ERROR, other.to_string()),
    };
    DatabaseError::refused(code.to_string(), message)
}
