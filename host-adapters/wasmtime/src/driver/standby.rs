//! Servers that are no primary, or no more.

use batchintory::{DatabaseError, Refusal, Rows};

/// Whether the server takes no writes: another one may take them by now.
pub(super) fn takes_no_writes(answer: &Result<Rows, DatabaseError>) -> bool {
    matches!(answer, Err(DatabaseError::Failed(error)) if error.refusal == Refusal::ReadOnly)
}
