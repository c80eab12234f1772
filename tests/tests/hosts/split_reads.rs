//! A pooler that sends reads to a standby which applies late: real ones, pgpool-II before PostgreSQL.
//!
//! The fence looks at the primary, since only that shows locks. A page that is read from the standby lacks what
//! the fence found decided, and what it lacks would be passed over for good.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use batchintory::{AcquireRequest, Error as PlannerError, Settle, Value};
use batchintory_tests::server::{OwnPostgres, Pgpool, Standby};
use batchintory_tests::tables::execute;
use batchintory_wasmtime::{Access, Acquired, Database, Error, Inventory, connect};
use tokio_postgres::NoTls;

/// The ids of the table; the last but one is committed last.
const IDS: u64 = 12;
/// How often is looked for what must come.
const MAX_LOOKS: u32 = 15_000;
/// How long is waited before a look again.
const REST: Duration = Duration::from_millis(20);

async fn number(database: &dyn Database, statement: &str) -> Result<i64> {
    let answer = database.query(statement, &[]).await;
    let rows = answer.map_err(|error| anyhow::anyhow!("{error:?}"))?.rows;
    match rows.first().map(Vec::as_slice) {
        Some([Value::Int64(number)]) => Ok(*number),
        other => bail!("{statement}: {other:?}"),
    }
}

/// Waits until a statement gives this.
async fn until(database: &dyn Database, statement: &str, expected: i64) -> Result<()> {
    for _ in 0..MAX_LOOKS {
        if number(database, statement).await.ok() == Some(expected) {
            return Ok(());
        }
        tokio::time::sleep(REST).await;
    }
    bail!("{statement} never gives {expected}")
}

/// A primary and its standby, which lacks the last but one row of the table `files`, but not the last one.
async fn behind() -> Result<(OwnPostgres, Standby)> {
    let primary = OwnPostgres::start(r"read\ committed")?;
    let fast = connect(&primary.url(), Access::ReadWrite).await?;
    let create = "CREATE TABLE files (uid bigserial PRIMARY KEY, item text, weight float)";
    execute(fast.as_ref(), create, &[]).await?;
    let insert = "INSERT INTO files (item, weight) SELECT 'x', 1";
    let first = format!("{insert} FROM generate_series(1, {})", IDS - 2);
    execute(fast.as_ref(), &first, &[]).await?;
    Inventory::open(&primary.url()).await?.migrate().await?;
    let standby = Standby::of(&primary)?;

    let (slow, connection) = tokio_postgres::connect(&primary.url(), NoTls).await?;
    tokio::spawn(connection);
    slow.batch_execute(&format!("BEGIN; {insert}")).await?;
    execute(fast.as_ref(), insert, &[]).await?;
    let on_standby = connect(&standby.url(), Access::ReadOnly).await?;
    let last = i64::try_from(IDS)?;
    until(on_standby.as_ref(), "SELECT max(uid) FROM files", last).await?;
    let pause = "SELECT 1 FROM pg_wal_replay_pause()";
    execute(on_standby.as_ref(), pause, &[]).await?;
    let is_paused = "SELECT CAST(count(*) AS bigint) FROM pg_get_wal_replay_pause_state() AS state \
                     WHERE state = 'paused'";
    until(on_standby.as_ref(), is_paused, 1).await?;
    slow.batch_execute("COMMIT").await?;
    Ok((primary, standby))
}

/// A connection through the pooler, once it splits reads: one row is missing.
async fn splitting(pooler: &Pgpool) -> Result<Arc<dyn Database>> {
    loop {
        if let Ok(through) = connect(&pooler.url(), Access::ReadOnly).await {
            let count = "SELECT count(*) FROM files";
            until(through.as_ref(), count, i64::try_from(IDS)? - 1).await?;
            return Ok(through);
        }
        tokio::time::sleep(REST).await;
    }
}

fn request(settle: Settle) -> AcquireRequest {
    AcquireRequest {
        settle,
        ..AcquireRequest::new("files", format!("{settle:?}"))
    }
}

/// How many items the next batch has, which goes up to the last id.
async fn taken(inventory: &Inventory, settle: Settle) -> Result<u64> {
    match inventory.acquire(&request(settle)).await? {
        Acquired::Batch(batch) => {
            ensure!(batch.id_end == i64::try_from(IDS)?, "{}", batch.id_end);
            let items = batch.items().await?;
            ensure!(
                u64::try_from(items.len())? == batch.count,
                "{}",
                items.len()
            );
            Ok(batch.count)
        }
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

async fn refused(inventory: &Inventory) -> Result<String> {
    match inventory.acquire(&request(Settle::CommitOrder)).await {
        Err(Error::Planner(PlannerError::Unavailable(why))) => Ok(why.message),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("it is not refused"),
    }
}

/// With the inventory elsewhere.
async fn with_meta(url: &str) -> Result<Inventory> {
    let inventory = Inventory::builder()
        .inventory(connect("sqlite::memory:", Access::Create).await?)
        .meta(connect(url, Access::ReadOnly).await?)
        .build()?;
    inventory.migrate().await?;
    Ok(inventory)
}

#[tokio::test]
async fn a_page_of_a_settled_job_is_never_that_of_a_standby() -> Result<()> {
    let (primary, standby) = behind().await?;

    // A pooler that asks the server what its functions do sends the claim to the primary by itself.
    let pooler = Pgpool::before(&primary, &standby, "")?;
    let through = splitting(&pooler).await?;
    let highest = number(through.as_ref(), "SELECT max(uid) FROM files").await?;
    assert_eq!(highest, i64::try_from(IDS)?);
    let inventory = Inventory::open(&pooler.url()).await?;
    assert_eq!(taken(&inventory, Settle::CommitOrder).await?, IDS);
    let inventory = with_meta(&pooler.url()).await?;
    assert_eq!(taken(&inventory, Settle::CommitOrder).await?, IDS);
    drop((pooler, through));

    // One that sends every read to the standby is noticed.
    let pooler = Pgpool::before(&primary, &standby, ".*")?;
    splitting(&pooler).await?;
    let inventory = with_meta(&pooler.url()).await?;
    // What is lost where nobody looks.
    assert_eq!(taken(&inventory, Settle::None).await?, IDS - 1);
    let message = refused(&inventory).await?;
    assert!(
        message.contains("the meta table was read from a standby"),
        "{message}"
    );
    let inventory = Inventory::open(&pooler.url()).await?;
    let message = refused(&inventory).await?;
    assert!(
        message.contains("the inventory was read from a standby"),
        "{message}"
    );
    Ok(())
}
