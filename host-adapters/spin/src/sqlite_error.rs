//! The errors of Spin's SQLite interface, which are texts: SQLite's own words.

use batchintory::{DatabaseError, Refusal, SqlError};

/// What an error of a statement means.
pub(crate) fn explain(message: String) -> DatabaseError {
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if has(&["UNIQUE constraint failed", "PRIMARY KEY constraint failed"]) {
        return DatabaseError::Conflict(message);
    }
    if has(&[
        "database is locked",
        "database table is locked",
        "database schema has changed",
    ]) {
        return DatabaseError::Retryable(message);
    }
    if has(&["unable to open database"]) {
        return DatabaseError::Unavailable(message);
    }
    let refusal = if has(&["no such table", "unknown database"]) {
        Refusal::NoSuchTable
    } else if has(&["no such column", "has no column named"]) {
        Refusal::NoSuchColumn
    } else if has(&["readonly database"]) {
        Refusal::ReadOnly
    } else if has(&["datatype mismatch"]) {
        Refusal::WrongType
    } else {
        Refusal::Other
    };
    DatabaseError::Failed(SqlError {
        refusal,
        code: None,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlites_words_are_understood() {
        let conflict = "UNIQUE constraint failed: inventory.claim_token";
        assert_eq!(
            explain(conflict.into()),
            DatabaseError::Conflict(conflict.into())
        );
        let busy = "database is locked";
        assert_eq!(explain(busy.into()), DatabaseError::Retryable(busy.into()));
        for (message, refusal) in [
            ("no such table: main.files", Refusal::NoSuchTable),
            ("unknown database lake", Refusal::NoSuchTable),
            ("no such column: files.kind", Refusal::NoSuchColumn),
            ("attempt to write a readonly database", Refusal::ReadOnly),
            ("near \"SELEC\": syntax error", Refusal::Other),
        ] {
            let DatabaseError::Failed(error) = explain(message.into()) else {
                panic!("{message} must be a refusal");
            };
            assert_eq!(error.refusal, refusal, "{message}");
        }
    }
}
