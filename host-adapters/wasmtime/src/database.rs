//! The hook for a database, and both databases together as the planner sees them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Random, Rows, Settings, Source, StatusLabels, Value};
use tokio::sync::watch;
use tracing::{Instrument, Level, debug, span};

use crate::claim_queue::{ClaimQueues, ClaimTurn};

/// One database: a driver of this crate, or a connection of the caller's own.
#[async_trait]
pub trait Database: Send + Sync {
    /// The SQL that it understands.
    fn dialect(&self) -> Dialect;

    /// The schema in which tables lie that are named without one, where it is not the same for all of
    /// a dialect: in MySQL it must be given, and is the database that the connection is made to.
    fn schema(&self) -> Option<&str> {
        None
    }

    /// What OpenTelemetry calls such a database system, for traces.
    fn system(&self) -> &'static str {
        match self.dialect() {
            Dialect::Postgresql => "postgresql",
            Dialect::Sqlite => "sqlite",
            Dialect::Mysql => "mysql",
        }
    }

    /// Runs one statement by itself, in autocommit, and gives back all its rows.
    ///
    /// Parameters stand in the statement as `$1`, `$2`, … (PostgreSQL) or `?` (SQLite, MySQL), in order.
    ///
    /// # Errors
    ///
    /// The variant must tell how far the statement got: see [`DatabaseError`]. What the database refuses is told
    /// with its own code, and the planner knows what each means; it repeats what met a passing conflict.
    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError>;

    /// Begins to listen to a channel (PostgreSQL's LISTEN), or goes on. `None` where the database has no
    /// notifications, or gives none for now: whoever waits for something then asks again by the clock alone.
    async fn listen(&self, _channel: &str) -> Option<Notifications> {
        None
    }
}

/// Notifications of a database.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// Changes with each notification, and with some on other channels.
    pub notified: watch::Receiver<u64>,
    /// The number of the connection that listens: what was told before this one is not known.
    pub since: u64,
}

/// What the planner is told about the databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// The inventory table, as `table` or `schema.table`; by default `inventory`.
    pub inventory_table: String,
    /// The schema meant by a meta table's name that has none; by default `public` in PostgreSQL,
    /// `main` in SQLite, and the connection's database in MySQL.
    pub meta_schema: Option<String>,
    /// The name of the source that the meta tables' database is, where several share the inventory.
    pub meta_name: Option<String>,
    /// The words of the inventory's `status` column.
    pub status_labels: StatusLabels,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            inventory_table: "inventory".into(),
            meta_schema: None,
            meta_name: None,
            status_labels: StatusLabels::default(),
        }
    }
}

/// The longest pause that the planner is granted.
const MAX_PAUSE_MILLISECONDS: u32 = 1_000;

/// The inventory's and the meta tables' database with their options.
///
/// Serves the component's import as well as a native [`batchintory::Planner`]. Traces all statements: names
/// follow OpenTelemetry's conventions for database clients. Parameters are never traced.
#[derive(Clone)]
pub struct Databases {
    inventory: Arc<dyn Database>,
    meta: Arc<dyn Database>,
    options: DatabaseOptions,
    claims: ClaimQueues,
}

impl Databases {
    /// Both databases; they may be the same.
    pub fn new(
        inventory: Arc<dyn Database>,
        meta: Arc<dyn Database>,
        options: DatabaseOptions,
    ) -> Self {
        Self {
            inventory,
            meta,
            options,
            claims: ClaimQueues::default(),
        }
    }

    /// Waits for the turn among the claims in a scope, as the planner names it. Clones share the turns.
    pub async fn claim_turn(&self, scope: &str) -> ClaimTurn {
        self.claims.turn(scope).await
    }

    /// Listens to a channel of the meta tables' database; see [`Database::listen`].
    pub async fn listen(&self, channel: &str) -> Option<Notifications> {
        self.meta.listen(channel).await
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Databases")
            .field("inventory", &self.inventory.dialect())
            .field("meta", &self.meta.dialect())
            .field("options", &self.options)
            .finish()
    }
}

impl batchintory::Database for Databases {
    fn settings(&self) -> Settings {
        Settings {
            inventory_dialect: self.inventory.dialect(),
            meta_dialect: self.meta.dialect(),
            inventory_table: match self.inventory.schema() {
                Some(schema) => with_schema(&self.options.inventory_table, schema),
                None => self.options.inventory_table.clone(),
            },
            meta_schema: (self.options.meta_schema.clone())
                .or_else(|| self.meta.schema().map(str::to_owned)),
            meta_name: self.options.meta_name.clone(),
            one_database: Arc::ptr_eq(&self.inventory, &self.meta),
            may_repeat: true,
            status_labels: self.options.status_labels.clone(),
        }
    }

    async fn pause(&self, milliseconds: u32) {
        // A component may ask for any time; a call is not to hang for long.
        let milliseconds = milliseconds.min(MAX_PAUSE_MILLISECONDS);
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
    }

    async fn query(
        &self,
        on: Source,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Rows, DatabaseError> {
        let (database, namespace) = match on {
            Source::Inventory => (&self.inventory, "inventory"),
            Source::Meta => (&self.meta, "meta"),
        };
        let span = span!(
            Level::DEBUG,
            "query",
            otel.kind = "client",
            otel.name = operation(statement),
            db.system.name = database.system(),
            db.namespace = namespace,
            db.operation.name = operation(statement),
            db.query.text = statement,
        );
        async {
            let start = Instant::now();
            let answer = database.query(statement, parameters).await;
            match &answer {
                Ok(rows) => debug!(
                    duration_us = start.elapsed().as_micros(),
                    rows = rows.rows.len(),
                    affected = rows.affected,
                    "done"
                ),
                Err(error) => debug!(duration_us = start.elapsed().as_micros(), ?error, "failed"),
            }
            answer
        }
        .instrument(span)
        .await
    }
}

fn operation(statement: &str) -> &str {
    statement.split(' ').next().unwrap_or_default()
}

/// A table's name with this schema, unless it has one.
fn with_schema(table: &str, schema: &str) -> String {
    // A part that starts with a quote ends at the next one that is not doubled.
    let has_schema = match table.strip_prefix('"') {
        Some(quoted) => (quoted.replace("\"\"", "").split_once('"'))
            .is_some_and(|(_, behind)| behind.starts_with('.')),
        None => table.contains('.'),
    };
    if has_schema {
        return table.to_owned();
    }
    format!("\"{}\".{table}", schema.replace('"', "\"\""))
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    ///
    /// When the operating system has no randomness to give: a guessable token would be worse.
    #[allow(clippy::expect_used)]
    fn random(&self) -> [u64; 2] {
        let random = || getrandom::u64().expect("the operating system gives randomness");
        [random(), random()]
    }
}

#[cfg(test)]
mod tests {
    use super::with_schema;

    #[test]
    fn only_a_name_without_schema_gets_one() {
        for (table, complete) in [
            ("inventory", r#""lake".inventory"#),
            ("other.inventory", "other.inventory"),
            (r#""a.b""#, r#""lake"."a.b""#),
            (r#""a.b".inventory"#, r#""a.b".inventory"#),
            (r#""say ""no"".yes""#, r#""lake"."say ""no"".yes""#),
            (r#""say ""no""".yes"#, r#""say ""no""".yes"#),
        ] {
            assert_eq!(with_schema(table, "lake"), complete);
        }
        assert_eq!(with_schema("t", "say \"no\""), r#""say ""no""".t"#);
    }
}
