//! What the planner needs from outside: two databases and randomness.
//!
//! The types mirror the interface `database` of `wit/database.wit`, which says what each means.

use std::future::Future;

use serde::{Deserialize, Serialize};

/// Which of the two databases a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The database that holds the inventory: read and written.
    Inventory,
    /// The database that holds the meta tables: only read.
    Meta,
}

/// The SQL dialect of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// PostgreSQL 12 or later.
    Postgresql,
    /// SQLite 3.35 or later.
    Sqlite,
    /// MySQL 8.0.17 or MariaDB 10.5 or later.
    Mysql,
}

/// A parameter or a selected value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL; the statement casts it.
    Null,
    /// A truth value; only sent to and selected from PostgreSQL.
    Boolean(bool),
    /// `bigint`.
    Int64(i64),
    /// `double precision`.
    Float64(f64),
    /// UTF-8 text without NUL characters.
    Text(String),
}

/// What a statement gave back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// One list per row, each with one value per selected column.
    pub rows: Vec<Vec<Value>>,
    /// How many rows were inserted or updated.
    pub affected: u64,
}

/// Why a database refused a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A table, or the schema that should hold it, does not exist.
    NoSuchTable,
    /// A column does not exist in its table.
    NoSuchColumn,
    /// A value or column has a type that the statement cannot use.
    WrongType,
    /// The database, or this connection to it, cannot be written to.
    ReadOnly,
    /// The database's user lacks a privilege.
    NotPermitted,
    /// Anything else.
    Other,
}

/// A statement that the database refused; it had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// The kind of refusal.
    pub refusal: Refusal,
    /// An SQLSTATE, or SQLite's extended result code.
    pub code: Option<String>,
    /// The database's own words.
    pub message: String,
}

/// Why a statement has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseError {
    /// The database cannot be reached; no effect.
    Unavailable(String),
    /// The connection was lost after the statement was sent: it may have taken effect.
    OutcomeUnknown(String),
    /// A unique constraint was violated; no effect.
    Conflict(String),
    /// A passing conflict with another transaction, repeated in vain; no effect.
    Retryable(String),
    /// The database refused the statement; no effect.
    Failed(SqlError),
}

/// The words that stand in the inventory's `status` column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLabels {
    /// Handed out and not completed yet.
    pub running: String,
    /// Processed.
    pub succeeded: String,
    /// Given up.
    pub failed: String,
}

impl Default for StatusLabels {
    fn default() -> Self {
        Self {
            running: "running".into(),
            succeeded: "succeeded".into(),
            failed: "failed".into(),
        }
    }
}

/// What the planner must know of the two databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The dialect of the inventory's database.
    pub inventory_dialect: Dialect,
    /// The dialect of the meta tables' database.
    pub meta_dialect: Dialect,
    /// The inventory table, as `table` or `schema.table`.
    pub inventory_table: String,
    /// The schema meant by a meta table's name that has none; by default `public` in PostgreSQL
    /// and `main` in SQLite. MySQL has no default.
    pub meta_schema: Option<String>,
    /// The name of the meta tables' source, which is part of every scope; none, unless several meta
    /// databases share the inventory.
    pub meta_name: Option<String>,
    /// Whether the meta tables lie in the inventory's database, and a statement on it may read both.
    pub one_database: bool,
    /// The words of the `status` column.
    pub status_labels: StatusLabels,
}

/// The host's side: runs one SQL statement at a time, each by itself.
///
/// Every change that the planner makes is a single statement which is correct in autocommit at
/// READ COMMITTED, so an implementation needs no transactions and no sessions.
pub trait Database: Sync {
    /// The settings; must not change while a call runs.
    fn settings(&self) -> Settings;

    /// Lets so much time pass: the planner has no clock, and makes room for others when it has lost a
    /// race for a claim.
    fn pause(&self, milliseconds: u32) -> impl Future<Output = ()> + Send;

    /// Runs one statement and gives back all its rows.
    ///
    /// # Errors
    ///
    /// The variant tells whether the statement took effect: see [`DatabaseError`].
    fn query(
        &self,
        on: Source,
        statement: String,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Rows, DatabaseError>> + Send;
}

/// A source of cryptographically secure randomness, for claim tokens.
pub trait Random: Sync {
    /// 128 random bits.
    fn random(&self) -> [u64; 2];
}
