//! Servers that are no primary, or no more.

use batchintory::{DatabaseError, Dialect, FailureKind, Rows};

/// Whether the server takes no writes: another one may take them by now.
pub(super) fn takes_no_writes(answer: &Result<Rows, DatabaseError>, dialect: Dialect) -> bool {
    (answer.as_ref()).is_err_and(|error| error.kind(dialect) == FailureKind::Standby)
}
