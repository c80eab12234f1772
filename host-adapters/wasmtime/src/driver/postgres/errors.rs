//! PostgreSQL's errors as those of the boundary.

use std::error::Error as _;

use batchintory::{DatabaseError, Refusal, SqlError};
use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Explains the error of a statement that was sent.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn explain(error: Error) -> DatabaseError {
    match error.as_db_error() {
        Some(refused) => explain_refused(refused),
        // The answer did not come, or cannot be read; what the server did is not known.
        None => DatabaseError::OutcomeUnknown(message(&error)),
    }
}

fn explain_refused(error: &DbError) -> DatabaseError {
    let state = error.code();
    let message = error.message().to_owned();
    let refusal = match *state {
        SqlState::UNIQUE_VIOLATION => return DatabaseError::Conflict(message),
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE => return DatabaseError::Retryable(message),
        // The server goes down, or ends the session: what it did before that is rolled back, but for
        // a commit that was under way.
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
            return DatabaseError::OutcomeUnknown(message);
        }
        SqlState::CANNOT_CONNECT_NOW | SqlState::TOO_MANY_CONNECTIONS => {
            return DatabaseError::Unavailable(message);
        }
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => Refusal::NoSuchTable,
        SqlState::UNDEFINED_COLUMN => Refusal::NoSuchColumn,
        SqlState::UNDEFINED_FUNCTION
        | SqlState::DATATYPE_MISMATCH
        | SqlState::CANNOT_COERCE
        | SqlState::INVALID_TEXT_REPRESENTATION
        | SqlState::INVALID_DATETIME_FORMAT
        | SqlState::NUMERIC_VALUE_OUT_OF_RANGE => Refusal::WrongType,
        SqlState::READ_ONLY_SQL_TRANSACTION => Refusal::ReadOnly,
        SqlState::INSUFFICIENT_PRIVILEGE => Refusal::NotPermitted,
        _ if state.code().starts_with("08") => return DatabaseError::OutcomeUnknown(message),
        _ => Refusal::Other,
    };
    DatabaseError::Failed(SqlError {
        refusal,
        code: Some(state.code().to_owned()),
        message,
    })
}

/// Why there is no connection.
pub(super) fn pool_message(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => message(error),
        other => other.to_string(),
    }
}

/// An error with what caused it.
fn message(error: &Error) -> String {
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
