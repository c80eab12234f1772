//! How far a claim looks back for what is to be handed out again: not over all that is done, which the
//! index of queues keeps for as long as an old transaction is open.

use anyhow::{Context, Result, bail};
use batchintory::{AcquireRequest, RequeueTarget, Value};
use batchintory_tests::tables::Table;
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Batch, Inventory};

async fn acquire(inventory: &Inventory) -> Result<Batch> {
    let request = AcquireRequest {
        max_count: Some(10),
        ..AcquireRequest::new("files", "job")
    };
    match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

/// From which watermark on the claim of a batch had to look for attempts, by what it keeps.
async fn looks_from(database: &TestDatabase, batch: &Batch) -> Result<i64> {
    let statement = format!("SELECT queue_from FROM inventory WHERE id = {}", batch.id);
    let rows = database.connection.query(&statement, &[]).await;
    let rows = rows.map_err(|error| anyhow::anyhow!("{error:?}"))?.rows;
    match rows.first().context("its row")?.first() {
        Some(Value::Int64(id)) => Ok(*id),
        other => bail!("{other:?}"),
    }
}

async fn look_back(database: TestDatabase) -> Result<()> {
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    let table = Table::of_items(1_000);
    table.create(database.connection.as_ref()).await?;

    // With nothing left behind, none before it is looked at.
    let first = acquire(&inventory).await?;
    let mut before = first.id_end;
    first.succeed().await?;
    for _ in 0..3 {
        let batch = acquire(&inventory).await?;
        assert_eq!(looks_from(&database, &batch).await?, before);
        before = batch.id_end;
        batch.succeed().await?;
    }

    // One that runs on may fail, so all since then are looked at.
    let slow_from = before;
    let slow = acquire(&inventory).await?;
    for _ in 0..3 {
        let batch = acquire(&inventory).await?;
        assert_eq!(looks_from(&database, &batch).await?, slow_from);
        before = batch.id_end;
        batch.succeed().await?;
    }
    slow.fail("a try").await?;
    let again = acquire(&inventory).await?;
    assert_eq!((again.attempt, again.id_start), (2, 41));
    again.succeed().await?;
    let batch = acquire(&inventory).await?;
    assert_eq!(looks_from(&database, &batch).await?, before);
    batch.succeed().await?;

    // What was requeued is found however old it is.
    let target = RequeueTarget::Batch(1);
    inventory.requeue("files", "job", &target).await?;
    let again = acquire(&inventory).await?;
    assert_eq!((again.attempt, again.id_start), (2, 1));
    again.fail("a try").await?;
    let again = acquire(&inventory).await?;
    assert_eq!((again.attempt, again.id_start), (3, 1));
    Ok(())
}

#[tokio::test]
async fn claims_look_back_only_as_far_as_attempts_run_on_sqlite() -> Result<()> {
    look_back(sqlite().await?).await
}

#[tokio::test]
async fn claims_look_back_only_as_far_as_attempts_run_on_postgresql() -> Result<()> {
    look_back(postgres().await?).await
}

#[tokio::test]
async fn claims_look_back_only_as_far_as_attempts_run_on_mysql() -> Result<()> {
    look_back(mysql().await?).await
}
