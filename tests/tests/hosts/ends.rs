//! How batches end whose result the database does not take, or whose database does not answer.

use anyhow::{Context, Result, bail};
use batchintory::{AcquireRequest, HistoryQuery, Outcome};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, postgres_of_few_letters, sqlite};
use batchintory_wasmtime::{Access, Acquired, Batch, DatabaseError, Inventory, Limits, connect};
use serde_json::json;

/// In neither of the databases below.
const SNOWMAN: &str = "\u{2603}";

/// An inventory, and some items.
async fn prepare(database: &TestDatabase) -> Result<Inventory> {
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    let rows = (1..=9).map(|uid| vec![json!(uid), json!("a"), json!(1)]);
    Table::files(rows.collect())
        .create(database.connection.as_ref())
        .await?;
    Ok(inventory)
}

async fn claim(inventory: &Inventory) -> Result<Batch> {
    let request = AcquireRequest {
        max_count: Some(1),
        ..AcquireRequest::new("files", "job")
    };
    match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

/// The latest attempt's status and log.
async fn latest(inventory: &Inventory) -> Result<(String, String)> {
    let history = inventory.history(&HistoryQuery::default()).await?;
    let attempt = history.into_iter().next().context("an attempt")?;
    Ok((attempt.status, attempt.log.unwrap_or_default()))
}

async fn what_can_never_be_kept_fails(inventory: Inventory) -> Result<()> {
    let batch = claim(&inventory).await?;
    for outcome in [
        Outcome::succeeded(Some(format!("\"{SNOWMAN}\""))),
        Outcome::failed(SNOWMAN.to_owned()),
    ] {
        let refusal = inventory.complete(&batch.claim_token, &outcome).await;
        let error = refusal.err().context("it cannot be kept")?;
        assert_eq!(error.name(), "invalid-request", "{error}");
        assert!(error.to_string().contains("can never store"), "{error}");
    }
    // It is still its owner's.
    batch.succeed_with(&"short").await?;
    assert_eq!(latest(&inventory).await?.0, "succeeded");

    let batch = claim(&inventory).await?;
    let processed = batch.process(async |_| Ok::<_, String>(SNOWMAN)).await;
    let error = processed.err().context("its result cannot be kept")?;
    assert_eq!(error.name(), "invalid-request", "{error}");
    let (status, log) = latest(&inventory).await?;
    assert_eq!(status, "failed");
    assert!(log.contains("can never store"), "{log}");

    let batch = claim(&inventory).await?;
    let processed = batch.process(async |_| Err::<(), _>(SNOWMAN)).await?;
    assert_eq!(processed, Err(SNOWMAN));
    let (status, log) = latest(&inventory).await?;
    assert_eq!(status, "failed");
    assert!(log.contains("can never store"), "{log}");
    Ok(())
}

#[tokio::test]
async fn what_can_never_be_kept_fails_on_postgres() -> Result<()> {
    let database = postgres_of_few_letters().await?;
    what_can_never_be_kept_fails(prepare(&database).await?).await
}

#[tokio::test]
async fn what_can_never_be_kept_fails_on_mysql() -> Result<()> {
    let database = mysql().await?;
    let inventory = prepare(&database).await?;
    let few_letters = "ALTER TABLE inventory \
        MODIFY job_result_item text CHARACTER SET latin1, \
        MODIFY logging text CHARACTER SET latin1";
    execute(database.connection.as_ref(), few_letters, &[]).await?;
    what_can_never_be_kept_fails(inventory).await
}

/// A statement that sleeps for long is not waited for; what comes after it does not suffer.
async fn limited(database: TestDatabase, sleep: &str) -> Result<()> {
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}statement_timeout=500", database.url);
    let limited = connect(&url, Access::ReadWrite).await?;
    match limited.query(sleep, &[]).await {
        Err(DatabaseError::OutcomeUnknown(message)) => {
            assert!(message.contains("no answer within 500 ms"), "{message}");
        }
        answer => bail!("{answer:?}"),
    }
    let answer = limited.query("SELECT CAST('x' AS char(1))", &[]).await;
    assert!(answer.is_ok(), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn statements_on_postgres_have_a_time_limit() -> Result<()> {
    limited(postgres().await?, "SELECT CAST(pg_sleep(100) AS text)").await
}

#[tokio::test]
async fn statements_on_mysql_have_a_time_limit() -> Result<()> {
    limited(mysql().await?, "SELECT SLEEP(100)").await
}

#[tokio::test]
async fn pages_end_by_their_bytes() -> Result<()> {
    let database = sqlite().await?;
    prepare(&database).await?;
    let many = "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
                INSERT INTO files SELECT i, hex(zeroblob(100000)), 1 FROM n";
    execute(database.connection.as_ref(), many, &[]).await?;
    let inventory = Inventory::builder()
        .inventory(database.connection.clone())
        .limits(Limits {
            memory_bytes: 16 << 20,
            ..Limits::default()
        })
        .build()?;
    let request = AcquireRequest::new("files", "job");
    let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
        bail!("no batch");
    };
    let page = batch.items_after(Some(9), 5_000).await?;
    assert_eq!(page.len(), 6);
    let items = batch.items().await?;
    assert!(items.iter().map(|item| item.uid).eq(1..=400));
    Ok(())
}
