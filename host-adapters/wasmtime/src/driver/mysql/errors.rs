//! MySQL's errors as those of the boundary.

use batchintory::DatabaseError;
use deadpool::managed::PoolError;
use mysql_async::{DriverError, Error, IoError, ServerError};

/// The server's code for a statement that only the text protocol takes.
pub(super) const CANNOT_BE_PREPARED: u16 = 1295;

/// Explains the error of a statement that was sent.
pub(super) fn explain(error: Error) -> DatabaseError {
    match error {
        // By code: an SQLSTATE says much less here.
        Error::Server(refused) => DatabaseError::refused(refused.code.to_string(), refused.message),
        Error::Driver(
            DriverError::StmtParamsMismatch { .. }
            | DriverError::StmtParamsNumberExceedsLimit { .. },
        ) => DatabaseError::refused("", message(&error)),
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
