//! SQLite's errors as those of the boundary.

use batchintory::{DatabaseError, Refusal, SqlError};
use rusqlite::{Error, ErrorCode, ffi};

/// Explains an error. SQLite lives in this process, so it is always known that a statement with an
/// error had no effect.
pub(super) fn explain(error: Error) -> DatabaseError {
    let (code, message) = match error {
        Error::SqlInputError { error, msg, .. } => (error, msg),
        Error::SqliteFailure(error, message) => {
            (error, message.unwrap_or_else(|| error.to_string()))
        }
        other => {
            return DatabaseError::Failed(SqlError {
                refusal: Refusal::Other,
                code: None,
                message: other.to_string(),
            });
        }
    };
    let refusal = match (code.code, code.extended_code) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
            return DatabaseError::Retryable(message);
        }
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            return DatabaseError::Conflict(message);
        }
        (ErrorCode::CannotOpen, _) => return DatabaseError::Unavailable(message),
        (ErrorCode::ReadOnly, _) => Refusal::ReadOnly,
        (ErrorCode::TypeMismatch, _) => Refusal::WrongType,
        // SQLite has one code for all that is wrong with a statement.
        _ if message.starts_with("no such table") || message.starts_with("unknown database") => {
            Refusal::NoSuchTable
        }
        _ if message.starts_with("no such column") || message.contains("has no column named") => {
            Refusal::NoSuchColumn
        }
        _ => Refusal::Other,
    };
    DatabaseError::Failed(SqlError {
        refusal,
        code: Some(code.extended_code.to_string()),
        message,
    })
}
