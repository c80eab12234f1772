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

    /// What SQLite itself says, by the library that Spin uses.
    fn refused(setup: &str, statement: &str) -> DatabaseError {
        let connection = rusqlite::Connection::open_in_memory().expect("memory");
        connection.execute_batch(setup).expect("a setup");
        let refused = connection.execute(statement, []).expect_err(statement);
        explain(refused.to_string())
    }

    #[test]
    fn sqlites_words_for_conflicts_are_understood() {
        for table in [
            "CREATE TABLE t (a INTEGER PRIMARY KEY)",
            "CREATE TABLE t (a TEXT UNIQUE)",
            "CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID",
        ] {
            let setup = format!("{table}; INSERT INTO t VALUES (1)");
            let error = refused(&setup, "INSERT INTO t VALUES (1)");
            assert!(matches!(error, DatabaseError::Conflict(_)), "{error:?}");
        }
    }

    #[test]
    fn sqlites_words_for_refusals_are_understood() {
        let setup = "CREATE TABLE t (a INTEGER PRIMARY KEY)";
        for (statement, refusal) in [
            ("SELECT a FROM nowhere", Refusal::NoSuchTable),
            ("SELECT a FROM nowhere.t", Refusal::NoSuchTable),
            ("INSERT INTO nowhere.t VALUES (1)", Refusal::NoSuchTable),
            ("SELECT b FROM t", Refusal::NoSuchColumn),
            ("INSERT INTO t (b) VALUES (1)", Refusal::NoSuchColumn),
            ("INSERT INTO t VALUES ('text')", Refusal::WrongType),
            ("SELEC", Refusal::Other),
        ] {
            let DatabaseError::Failed(error) = refused(setup, statement) else {
                panic!("{statement} must be a refusal");
            };
            assert_eq!(error.refusal, refusal, "{statement}: {}", error.message);
        }
        let setup = format!("{setup}; PRAGMA query_only = true");
        let DatabaseError::Failed(error) = refused(&setup, "DELETE FROM t") else {
            panic!("nothing can be written");
        };
        assert_eq!(error.refusal, Refusal::ReadOnly, "{}", error.message);
    }

    #[test]
    fn sqlites_words_for_a_file_that_is_busy_or_missing_are_understood() {
        let busy = "database is locked";
        assert_eq!(explain(busy.into()), DatabaseError::Retryable(busy.into()));
        let folder = rusqlite::Connection::open("/").expect_err("a folder");
        let error = explain(folder.to_string());
        assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}");
    }
}
