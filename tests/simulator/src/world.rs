//! The database, its clock and its rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Result, anyhow};
use batchintory::{DatabaseError, Rows, Value};
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use crate::mutation::Mutation;

/// When the simulation begins: 2024-01-01T00:00:00Z, as a Julian day.
const BEGIN: f64 = 2_460_310.5;
/// The database's clock, in place of SQLite's own.
pub(crate) const NOW: &str = "simulated_now()";

/// More ids than a run needs: a prime, so that the multiples of another number scatter over all of
/// them.
const MOST_IDS: i64 = 10_007;
const SCATTER: i64 = 6_203;
/// How a claim's values begin.
const CLAIM: &str = "(CAST(? AS text), CAST(? AS text), CAST(? AS text), strftime(";

/// What only a claim in one statement has.
const FUSED: &str = "ready AS (";
/// How long a page is made where weights are limited. A run has few rows, so it is made shorter.
const PAGE_LENGTH: &str = " * 1.25 + 32";
const SHORT_PAGE_LENGTH: &str = " * 0.4 + 1";
const FUSED_CLAIM: &str = "SELECT CAST(? AS text), CAST(? AS text), CAST(? AS text), strftime(";

/// Ended attempts are history: only their queue may change, and none may vanish.
const HISTORY_IS_KEPT: &str = "
    CREATE TRIGGER ended_attempts_stay BEFORE UPDATE ON inventory WHEN old.status <> 'running' AND
        (new.status, new.batch_id_start, new.batch_id_end, new.batch_id_after, new.attempt, new.claim_token,
         new.batch_count, new.processing_end IS old.processing_end, new.job_result_item IS old.job_result_item)
        IS NOT (old.status, old.batch_id_start, old.batch_id_end, old.batch_id_after, old.attempt,
         old.claim_token, old.batch_count, 1, 1)
    BEGIN SELECT RAISE(ABORT, 'history was overwritten'); END;
    CREATE TRIGGER no_attempt_vanishes BEFORE DELETE ON inventory WHEN (SELECT healed FROM laws) = 0
    BEGIN SELECT RAISE(ABORT, 'history was deleted'); END;";

/// One embedded database for a meta table and an inventory.
pub(crate) struct World {
    pub(crate) connection: Connection,
    clock: Arc<AtomicI64>,
    /// How many ids were given to rows of the inventory; none where the database gives them itself.
    ids: Arc<AtomicI64>,
    /// Whether rows of the inventory get ids out of order.
    scatters_ids: bool,
    mutation: Option<Mutation>,
    /// How often the mutation found its statement.
    pub(crate) mutated: u64,
    /// What must never happen, but did.
    pub(crate) violations: Vec<String>,
}

/// The request that a claim keeps.
fn request(parameters: &[Value]) -> &str {
    let texts = parameters.iter().filter_map(|value| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts
        .filter(|text| text.starts_with('{'))
        .find(|text| text.contains("max_attempts"))
        .unwrap_or("{}")
}

struct Parameter<'a>(&'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Boolean(value) => ValueRef::Integer(i64::from(*value)),
            Value::Int64(value) => ValueRef::Integer(*value),
            Value::Float64(value) => ValueRef::Real(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl World {
    /// An empty database whose clock stands still until it is told to go on.
    pub(crate) fn new(mutation: Option<Mutation>) -> Result<Self> {
        // Each world belongs to one thread, so it needs no locks.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_in_memory_with_flags(flags)?;
        connection.set_prepared_statement_cache_capacity(4_096);
        // A statement's plan does not change with its parameters: else each call would plan anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
             CREATE TABLE laws (healed integer); INSERT INTO laws VALUES (0);
             CREATE TABLE files (uid integer PRIMARY KEY, item text, weight real, modified datetime)",
        )?;
        let clock = Arc::new(AtomicI64::new(0));
        let time = Arc::clone(&clock);
        connection.create_scalar_function(
            NOW.trim_end_matches("()"),
            0,
            FunctionFlags::SQLITE_UTF8,
            move |_| {
                #[allow(clippy::cast_precision_loss)]
                let seconds = time.load(Ordering::Relaxed) as f64;
                Ok(BEGIN + seconds / 86_400.0)
            },
        )?;
        let ids = Arc::new(AtomicI64::new(0));
        let given = Arc::clone(&ids);
        connection.create_scalar_function(
            "scattered_id",
            0,
            FunctionFlags::SQLITE_UTF8,
            move |_| Ok(given.fetch_add(1, Ordering::Relaxed) * SCATTER % MOST_IDS + 1),
        )?;
        Ok(Self {
            connection,
            clock,
            ids,
            scatters_ids: false,
            mutation,
            mutated: 0,
            violations: Vec::new(),
        })
    }

    /// Empties the tables for another run.
    pub(crate) fn reset(&mut self, scatters_ids: bool) -> Result<()> {
        self.clock.store(0, Ordering::Relaxed);
        self.ids.store(0, Ordering::Relaxed);
        self.scatters_ids = scatters_ids;
        self.violations.clear();
        self.connection.execute_batch(
            "UPDATE laws SET healed = 1; DELETE FROM inventory; DELETE FROM files; DELETE FROM sqlite_sequence; \
             UPDATE laws SET healed = 0",
        )?;
        Ok(())
    }

    /// Keeps watch over the inventory, once there is one.
    pub(crate) fn keep_history(&self) -> Result<()> {
        Ok(self.connection.execute_batch(HISTORY_IS_KEPT)?)
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Runs a statement as the database would.
    pub(crate) fn query(
        &mut self,
        text: &str,
        parameters: &[Value],
    ) -> Result<Rows, DatabaseError> {
        let mutated = self.mutation.and_then(|mutation| {
            let (from, to) = mutation.replaces();
            text.contains(from).then(|| text.replace(from, to))
        });
        self.mutated += u64::from(mutated.is_some());
        let text = mutated.as_deref().unwrap_or(text);
        let scattered = (self.scatters_ids && text.contains("INSERT INTO")).then(|| {
            text.replace("(\"meta_table\", ", "(\"id\", \"meta_table\", ")
                .replace("(meta_table, ", "(id, meta_table, ")
                .replace(CLAIM, &format!("(scattered_id(), {}", &CLAIM[1..]))
                .replace(
                    FUSED_CLAIM,
                    &format!("SELECT scattered_id(), {}", &FUSED_CLAIM[7..]),
                )
        });
        let text = (scattered.as_deref().unwrap_or(text))
            .replace("'now'", NOW)
            .replace(PAGE_LENGTH, SHORT_PAGE_LENGTH);
        let is_fused = text.contains(FUSED);
        let due = match is_fused {
            true => self.due(parameters),
            false => 0,
        };
        let answer = self.run(&text, parameters);
        if is_fused && let Some(row) = (answer.iter()).find_map(|rows| rows.rows.first()) {
            if due > 0 {
                self.violations
                    .push(format!("order: {row:?} was claimed before what was due"));
            }
            self.check_length(row, parameters);
        }
        answer.map_err(|error| self.explain(&error))
    }

    /// How many ranges are to be handed out again, whatever the time, to whoever asks so.
    fn due(&self, parameters: &[Value]) -> i64 {
        let due = "SELECT count(*) FROM inventory WHERE job = ?1 ->> 'job' AND queue = 'requeued' \
            AND batch_id_start >= coalesce(?1 ->> 'id_min', batch_id_start) \
            AND batch_id_end <= coalesce(?1 ->> 'id_max', batch_id_end)";
        (self.connection)
            .query_row(due, [request(parameters)], |row| row.get(0))
            .unwrap_or(-1)
    }

    /// The row behind a batch that was just claimed must not have room in it.
    fn check_length(&mut self, claimed: &[Value], parameters: &[Value]) {
        let (Some(Value::Int64(end)), Some(Value::Int64(count)), Some(Value::Float64(weight))) =
            (claimed.get(4), claimed.get(5), claimed.get(6))
        else {
            self.violations.push(format!("a claim gave {claimed:?}"));
            return;
        };
        // Rows that do not pass a filter, or are held, are none of its business.
        let next = "SELECT weight FROM files WHERE uid > ?1 AND uid <= coalesce(?2 ->> 'id_max', uid) \
            AND ?2 ->> 'filter' IS NULL AND ?2 ->> 'hold' IS NULL ORDER BY uid LIMIT 1";
        let request = request(parameters);
        let next: Option<f64> = (self.connection)
            .query_row(next, (end, request), |row| row.get(0))
            .ok();
        let limits: serde_json::Value = serde_json::from_str(request).unwrap_or_default();
        let limit = |name: &str| limits.get(name).and_then(serde_json::Value::as_f64);
        let most_weight = limit("max_weight").unwrap_or(f64::MAX);
        let most_count = limit("max_count").unwrap_or(f64::MAX);
        if next.is_some_and(|next| weight + next <= most_weight && (*count as f64) < most_count) {
            let text = format!("length: {claimed:?} has room for the next row");
            self.violations.push(text);
        }
    }

    fn run(&self, text: &str, parameters: &[Value]) -> rusqlite::Result<Rows> {
        let mut statement = self.connection.prepare_cached(text)?;
        let columns = statement.column_count();
        let mut found =
            statement.query(rusqlite::params_from_iter(parameters.iter().map(Parameter)))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(match row.get_ref(column)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(value) => Value::Int64(value),
                    ValueRef::Real(value) => Value::Float64(value),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                        Value::Text(String::from_utf8_lossy(bytes).into_owned())
                    }
                });
            }
            rows.push(values);
        }
        drop(found);
        let affected = if text.starts_with("SELECT") {
            0
        } else {
            self.connection.changes()
        };
        Ok(Rows { rows, affected })
    }

    fn explain(&mut self, error: &rusqlite::Error) -> DatabaseError {
        let message = error.to_string();
        if message.contains("history was") {
            self.violations.push(message.clone());
        }
        let code = match error {
            rusqlite::Error::SqliteFailure(error, _)
            | rusqlite::Error::SqlInputError { error, .. } => error.extended_code,
            _ => rusqlite::ffi::SQLITE_ERROR,
        };
        DatabaseError::refused(code.to_string(), message)
    }

    /// Changes the rows behind the planner's back.
    pub(crate) fn change(&self, statement: &str) -> Result<()> {
        self.connection
            .execute(statement, [])
            .map(drop)
            .map_err(|error| anyhow!("{statement}: {error}"))
    }
}
