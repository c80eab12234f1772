//! Spin tells of SQLite's errors nothing but their words, by which the planner goes then: here they are by the
//! library that Spin uses.

#![allow(clippy::expect_used)]

use batchintory::{DatabaseError, Dialect, FailureKind};

fn kind(words: &str) -> FailureKind {
    DatabaseError::refused("", words).kind(Dialect::Sqlite)
}

fn refused(setup: &str, statement: &str) -> FailureKind {
    let connection = rusqlite::Connection::open_in_memory().expect("memory");
    connection.execute_batch(setup).expect("a setup");
    let refused = connection.execute(statement, []).expect_err(statement);
    kind(&refused.to_string())
}

#[test]
fn words_for_conflicts_are_understood() {
    for table in [
        "CREATE TABLE t (a INTEGER PRIMARY KEY)",
        "CREATE TABLE t (a TEXT UNIQUE)",
        "CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID",
    ] {
        let setup = format!("{table}; INSERT INTO t VALUES (1)");
        let found = refused(&setup, "INSERT INTO t VALUES (1)");
        assert_eq!(found, FailureKind::Conflict, "{table}");
    }
}

#[test]
fn words_for_refusals_are_understood() {
    let setup = "CREATE TABLE t (a INTEGER PRIMARY KEY CHECK (a < 9), b TEXT NOT NULL DEFAULT '')";
    for (statement, expected) in [
        ("SELECT a FROM nowhere", FailureKind::NoSuchTable),
        ("SELECT a FROM nowhere.t", FailureKind::NoSuchTable),
        ("INSERT INTO nowhere.t VALUES (1)", FailureKind::NoSuchTable),
        ("SELECT c FROM t", FailureKind::NoSuchColumn),
        ("INSERT INTO t (c) VALUES (1)", FailureKind::NoSuchColumn),
        (
            "ALTER TABLE t ADD COLUMN b TEXT",
            FailureKind::ColumnIsThere,
        ),
        ("INSERT INTO t (a) VALUES ('text')", FailureKind::WrongValue),
        ("INSERT INTO t (a) VALUES (9)", FailureKind::Unstorable),
        ("SELECT zeroblob(1000000001)", FailureKind::Unstorable),
        ("INSERT INTO t VALUES (1, NULL)", FailureKind::Other),
        ("SELEC", FailureKind::Other),
    ] {
        assert_eq!(refused(setup, statement), expected, "{statement}");
    }
    let setup = format!("{setup}; PRAGMA query_only = true");
    assert_eq!(refused(&setup, "DELETE FROM t"), FailureKind::ReadOnly);
}

#[test]
fn words_for_a_file_that_is_busy_or_missing_are_understood() {
    assert_eq!(kind("database is locked"), FailureKind::Passing);
    let folder = rusqlite::Connection::open("/").expect_err("a folder");
    assert_eq!(kind(&folder.to_string()), FailureKind::Unavailable);
}
