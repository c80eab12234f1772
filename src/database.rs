//! What the planner needs from outside: two databases and randomness.
//!
//! The types mirror the interface `database` of `wit/database.wit`, which says what each means.

use serde::{Deserialize, Serialize};

/// Which of the two databases a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// A statement that the database refused; it had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The database's own code: an SQLSTATE, SQLite's extended result code, MySQL's error number. Empty where the
    /// driver tells none.
    pub code: String,
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
    /// The database refused the statement, by a code that the planner knows how to take.
    Refused(Refusal),
}

impl DatabaseError {
    /// A refusal with the database's code, or the driver's words for it.
    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused(Refusal {
            code: code.into(),
            message: message.into(),
        })
    }

    /// The words of the database, or of its driver.
    pub fn into_message(self) -> String {
        match self {
            Self::Unavailable(message)
            | Self::OutcomeUnknown(message)
            | Self::Refused(Refusal { message, .. }) => message,
        }
    }
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
    /// Whether a statement that met a passing conflict may be sent again. Not in a transaction of a program's
    /// own, which such a conflict ends.
    pub may_repeat: bool,
    /// The words of the `status` column.
    pub status_labels: StatusLabels,
}

/// The host's side: runs one SQL statement at a time, each by itself.
///
/// Every change that the planner makes is a single statement which is correct in autocommit at
/// READ COMMITTED, so an implementation needs no transactions and no sessions.
#[synchronous]
pub trait Database: Sync {
    /// The settings; must not change while a call runs.
    fn settings(&self) -> Settings;

    /// Lets so much time pass: the planner has no clock, and makes room for others when it has lost a
    /// race for a claim.
    fn pause(&self, milliseconds: u32) -> impl Future<Output = ()> + Send;

    /// Waits for this call's turn among those that claim in the same scope, which is over when the call is. By
    /// default there are no turns.
    fn claim_turn(&self, _scope: &str) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Runs one statement and gives back all its rows.
    ///
    /// # Errors
    ///
    /// The variant tells whether the statement took effect: see [`DatabaseError`].
    fn query(
        &self,
        on: Source,
        statement: &str,
        parameters: &[Value],
    ) -> impl Future<Output = Result<Rows, DatabaseError>> + Send;
}

/// A source of cryptographically secure randomness, for claim tokens.
pub trait Random: Sync {
    /// 128 random bits.
    fn random(&self) -> [u64; 2];
}
