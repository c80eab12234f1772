//! Batches that are taken up by their claim tokens, as by another process.

use anyhow::{Result, bail};
use batchintory::{AcquireRequest, HistoryQuery, Item};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Batch, Error, Inventory, PlannerError};
use serde_json::json;

async fn claim(inventory: &Inventory, lease_seconds: Option<u32>) -> Result<Batch> {
    let request = AcquireRequest {
        max_count: Some(3),
        lease_seconds,
        ..AcquireRequest::new("files", "job")
    };
    match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

async fn count(items: Vec<Item>) -> Result<usize, String> {
    Ok(items.len())
}

async fn whoever_has_the_token_goes_on(database: TestDatabase) -> Result<()> {
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    let rows = (1..=9).map(|uid| vec![json!(uid), json!("a"), json!(1)]);
    (Table::files(rows.collect()).create(database.connection.as_ref())).await?;
    let other = Inventory::open(&database.url).await?;

    let batch = claim(&inventory, Some(600)).await?;
    let found = other.batch(&batch.claim_token).await?;
    assert_eq!(*found, *batch);
    let mut heartbeat = found.keep_alive();
    tokio::select! {
        biased;
        error = heartbeat.lost() => return Err(error.into()),
        () = tokio::task::yield_now() => {}
    }
    drop(heartbeat);
    assert_eq!(found.process(count).await?, Ok(Some(3)));
    let history = inventory.history(&HistoryQuery::default()).await?;
    assert_eq!(
        history
            .first()
            .and_then(|attempt| attempt.result_item.clone()),
        Some("3".into())
    );
    let Err(Error::Planner(PlannerError::Superseded(why))) = other.batch(&batch.claim_token).await
    else {
        bail!("it has ended");
    };
    assert!(
        why.message.contains("has ended as \"succeeded\" already"),
        "{}",
        why.message
    );

    // A lease that is over is, for whoever finds the batch, until a sign of life gets through.
    let batch = claim(&inventory, Some(600)).await?;
    let over =
        "UPDATE inventory SET lease_expires = processing_start WHERE lease_expires IS NOT NULL";
    execute(database.connection.as_ref(), over, &[]).await?;
    let late = other.batch(&batch.claim_token).await?;
    let Err(Error::LeaseOver { seconds: 600 }) = late.process(count).await else {
        bail!("its lease is over");
    };
    other.heartbeat(&batch.claim_token, 600).await?;
    let found = other.batch(&batch.claim_token).await?;
    assert_eq!(found.process(count).await?, Ok(Some(3)));

    let batch = claim(&inventory, None).await?;
    other.batch(&batch.claim_token).await?.succeed().await?;
    Ok(())
}

#[tokio::test]
async fn whoever_has_the_token_goes_on_on_sqlite() -> Result<()> {
    whoever_has_the_token_goes_on(sqlite().await?).await
}

#[tokio::test]
async fn whoever_has_the_token_goes_on_on_postgresql() -> Result<()> {
    whoever_has_the_token_goes_on(postgres().await?).await
}

#[tokio::test]
async fn whoever_has_the_token_goes_on_on_mysql() -> Result<()> {
    whoever_has_the_token_goes_on(mysql().await?).await
}
