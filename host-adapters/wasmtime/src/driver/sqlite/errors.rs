//! SQLite's errors as those of the boundary.

use batchintory::{DatabaseError, Refusal, SqlError};
use rusqlite::{Error, ErrorCode, ffi};

/// Explains an error. SQLite lives in this process, so it is always known that a statement with an
/// error had no effect.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn explain(error: Error) -> DatabaseError {
    let message = error.to_string();
    let Some(code) = error.sqlite_error().copied() else {
        return failed(Refusal::Other, None, message);
    };
    match (code.code, code.extended_code) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => DatabaseError::Retryable(message),
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            DatabaseError::Conflict(message)
        }
        (ErrorCode::CannotOpen, _) => DatabaseError::Unavailable(message),
        (ErrorCode::ReadOnly, extended) => failed(Refusal::ReadOnly, Some(extended), message),
        (ErrorCode::TypeMismatch, extended) => failed(Refusal::WrongType, Some(extended), message),
        // SQLite has one code for all that is wrong with a statement.
        (_, extended) if message.contains("no such table") => {
            failed(Refusal::NoSuchTable, Some(extended), message)
        }
        (_, extended) if message.contains("unknown database") => {
            failed(Refusal::NoSuchTable, Some(extended), message)
        }
        (_, extended) if message.contains("no such column") || message.contains("has no column named") => {
            failed(Refusal::NoSuchColumn, Some(extended), message)
        }
        (_, extended) => failed(Refusal::Other, Some(extended), message),
    }
}

fn failed(refusal: Refusal, code: Option<i32>, message: String) -> DatabaseError {
    DatabaseError::Failed(SqlError {
        refusal,
        code: code.map(|code| code.to_string()),
        // What follows is the statement's text.
        message: match message.split_once(" in SELECT ").or_else(|| message.split_once(" in INSERT ")) {
            Some((message, _)) => message.to_owned(),
            None => message,
        },
    })
}
