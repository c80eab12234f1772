//! The fence in MySQL and MariaDB.
//!
//! A writer takes a metadata lock on its table before it draws an id, and keeps it until its
//! transaction is over. So once all of those are over that held one after the highest id was read,
//! every id up to that one is decided. The locks are read by a statement of their own, since the order
//! in which one statement reads is the server's to choose.

use crate::blind_spot::{HOLD, refusal};
use crate::database::{Database, Rows, Value};
use crate::databases::{Databases, meta_error};
use crate::error::Error;
use crate::job::Job;
use crate::refusal_code::Kind;
use crate::row_reader::unexpected;
use crate::sql::Statement;
use crate::sql::metadata_locks::{self as sql, Shown};

/// How often running transactions are looked at.
const MAX_ROUNDS: u32 = 50;
/// The pause between two looks, in milliseconds.
const PAUSE: u32 = 20;

/// Up to which id all are decided.
pub(crate) enum Decided {
    /// Up to this one; `None` of an empty table.
    UpTo(Option<i64>),
    /// Transactions go on that may insert a lower id than the highest.
    NotYet,
}

/// Waits until every id up to the highest one is decided.
#[synchronous]
pub(crate) async fn decided<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Decided, Error> {
    let server = databases.meta_row(job, sql::read_server(job)).await?;
    if server.is_read_only {
        let why = "the server is read-only, as a replica is";
        return Err(refusal(job, why, "read from the primary server"));
    }
    let mut writers = None;
    for (is_there, shown) in [
        (server.has_schema, Shown::PerformanceSchema),
        (server.has_plugin, Shown::Plugin),
    ] {
        if is_there && writers.is_none() {
            let statement = sql::read_writers(job, shown);
            let rows = permitted(databases, job, &statement).await?;
            writers = (!rows.rows.is_empty()).then_some((statement, rows));
        }
    }
    let Some((statement, rows)) = writers else {
        let remedy = "start it with performance_schema=ON and \
                      performance-schema-instrument='wait/lock/metadata/sql/mdl=ON', or load MariaDB's \
                      plugin by INSTALL SONAME 'metadata_lock_info'";
        let why = "the server does not show who holds metadata locks";
        return Err(refusal(job, why, remedy));
    };
    let doubts = sql::read_doubts(server.is_mariadb, &tables(&rows)?);
    if !are_over(databases, job, &statement, rows).await? {
        return Ok(Decided::NotYet);
    }
    // What becomes of a transaction that is prepared is looked at later than its lock.
    let found = permitted(databases, job, &doubts.statement).await?;
    if let Some((name, value)) = doubts.rows.first(found)? {
        let why = format!("rows may come without a lock that is shown ({name} is {value})");
        return Err(refusal(job, &why, HOLD));
    }
    if server.is_mariadb {
        let statement = sql::read_prepared();
        let rows = permitted(databases, job, &statement).await?;
        if !are_over(databases, job, &statement, rows).await? {
            return Ok(Decided::NotYet);
        }
    }
    Ok(Decided::UpTo(server.highest))
}

/// Whether all that these rows name come to their end within some time: each has been missed by a look.
#[synchronous]
async fn are_over<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    statement: &Statement,
    rows: Rows,
) -> Result<bool, Error> {
    let mut open = names(rows)?;
    for _ in 0..MAX_ROUNDS {
        if open.is_empty() {
            return Ok(true);
        }
        databases.pause(PAUSE).await;
        let there = names(permitted(databases, job, statement).await?)?;
        open.retain(|name| there.contains(name));
    }
    Ok(open.is_empty())
}

/// The names in the last column. What comes before it cannot always be cast, and is of any type.
fn names(rows: Rows) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for mut row in rows.rows {
        match row.pop() {
            Some(Value::Text(name)) => names.extend((!name.is_empty()).then_some(name)),
            Some(Value::Null) => {}
            _ => return Err(unexpected("no name of a transaction")),
        }
    }
    Ok(names)
}

/// The tables behind a source, by schema and name.
fn tables(rows: &Rows) -> Result<Vec<[String; 2]>, Error> {
    let mut tables = Vec::new();
    for row in &rows.rows {
        let [Value::Text(schema), Value::Text(table), ..] = row.as_slice() else {
            return Err(unexpected("no table"));
        };
        let table = [schema.clone(), table.clone()];
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    Ok(tables)
}

/// Runs a statement on what servers do not show to everybody.
#[synchronous]
async fn permitted<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    statement: &Statement,
) -> Result<Rows, Error> {
    match databases.try_meta(job, statement.clone()).await {
        Err(failure) if failure.kind == Kind::NotPermitted => Err(refusal(
            job,
            &failure.message,
            "grant SELECT on performance_schema.metadata_locks and performance_schema.threads",
        )),
        answer => answer.map_err(|failure| meta_error(job, failure)),
    }
}
