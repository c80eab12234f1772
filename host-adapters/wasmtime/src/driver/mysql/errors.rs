//! MySQL's errors as those of the boundary.

use batchintory::{DatabaseError, Refusal, SqlError};
use deadpool::managed::PoolError;
use mysql_async::{DriverError, Error, IoError, ServerError};

/// The server's code for a statement that only the text protocol takes.
pub(super) const CANNOT_BE_PREPARED: u16 = 1295;

/// Explains the error of a statement that was sent.
pub(super) fn explain(error: Error) -> DatabaseError {
    match error {
        Error::Server(refused) => explain_refused(refused),
        Error::Driver(
            DriverError::StmtParamsMismatch { .. }
            | DriverError::StmtParamsNumberExceedsLimit { .. },
        ) => DatabaseError::Failed(SqlError {
            refusal: Refusal::Other,
            code: None,
            message: message(&error),
        }),
        // The answer did not come, or cannot be read; what the server did is not known.
        _ => DatabaseError::OutcomeUnknown(message(&error)),
    }
}

/// Explains the error of a statement that was not executed yet.
pub(super) fn explain_unsent(error: Error) -> DatabaseError {
    match explain(error) {
        DatabaseError::OutcomeUnknown(message) => DatabaseError::Unavailable(message),
        certain => certain,
    }
}

/// By code: an SQLSTATE says much less here. MariaDB and MySQL share the codes below 1900.
fn explain_refused(error: ServerError) -> DatabaseError {
    let ServerError { code, message, .. } = error;
    let refusal = match code {
        // Duplicate keys.
        1022 | 1062 | 1586 => return DatabaseError::Conflict(message),
        // A lock that was waited for too long or is not waited for, a deadlock, a row or a table that has
        // changed since the snapshot, a statement that must be prepared anew, a group of servers that
        // took another transaction.
        1020 | 1205 | 1213 | 1412 | 1615 | 1689 | 3101 | 3572 => {
            return DatabaseError::Retryable(message);
        }
        // Too many connections, of all or of this user; limits of an account; a server that still
        // joins its group.
        1040 | 1047 | 1203 | 1226 => return DatabaseError::Unavailable(message),
        // The server goes down or ends the session, the network fails: what was done is rolled back, but
        // for a commit that was under way.
        1053 | 1077..=1080 | 1152 | 1158..=1161 | 1184 | 1927 | 3169 | 4031 => {
            return DatabaseError::OutcomeUnknown(message);
        }
        1049 | 1051 | 1109 | 1146 => Refusal::NoSuchTable,
        1054 | 1072 => Refusal::NoSuchColumn,
        1264 | 1265 | 1292 | 1366 | 1406 | 1411 | 1690 | 3140 | 4078 | 4079 => Refusal::WrongType,
        1036 | 1290 | 1792 | 1836 => Refusal::ReadOnly,
        1044 | 1142 | 1143 | 1227 | 1370 => Refusal::NotPermitted,
        _ => Refusal::Other,
    };
    DatabaseError::Failed(SqlError {
        refusal,
        code: Some(code.to_string()),
        message,
    })
}

/// Whether a connection failed since the server has no TLS that we could speak.
pub(super) fn is_lack_of_tls(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::NoClientSslFlagFromServer) | Error::Io(IoError::Tls(_)) => true,
        // What goes wrong in a handshake comes as an error of input and output.
        Error::Io(IoError::Io(error)) => error
            .get_ref()
            .is_some_and(|cause| cause.is::<rustls::Error>()),
        _ => false,
    }
}

/// Why there is no connection.
pub(super) fn pool_message(error: &PoolError<Error>) -> String {
    match error {
        PoolError::Backend(error) => connect_message(error),
        other => other.to_string(),
    }
}

/// Why a connection could not be made.
pub(super) fn connect_message(error: &Error) -> String {
    let message = message(error);
    match error {
        Error::Server(ServerError { code: 1045, .. }) => format!(
            "{message}; check the user's name and password, and that the user may log in from this host"
        ),
        Error::Server(ServerError { code: 1130, .. }) => {
            format!("{message}; create a user that may log in from there")
        }
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            "the server has no TLS; set it up there, or use sslmode=prefer or disable".into()
        }
        _ => message,
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::Server(error) => error.message.clone(),
        Error::Io(IoError::Io(error)) => error.to_string(),
        Error::Io(IoError::Tls(error)) => format!("TLS: {error}"),
        Error::Driver(error) => error.to_string(),
        Error::Other(error) => error.to_string(),
        Error::Url(error) => error.to_string(),
    }
}
