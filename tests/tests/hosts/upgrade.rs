//! `migrate` makes an inventory that the real pybatchintory wrote one of ours.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use batchintory::{AcquireRequest, HistoryQuery, Outcome, Queue, RequeueTarget, Value};
use batchintory_tests::tables::{Series, Table};
use batchintory_tests::{TestDatabase, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Inventory};

/// The first and last id of the next batch, and its attempt.
async fn acquire(inventory: &Inventory, job: &str) -> Result<(i64, i64, u32)> {
    let request = AcquireRequest {
        max_count: Some(5),
        ..AcquireRequest::new("files", job)
    };
    match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => Ok((batch.id_start, batch.id_end, batch.attempt)),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

/// Runs pybatchintory; an error holds what it printed.
fn run_pybatchintory(sqlalchemy_url: &str, qualified: &str) -> Result<()> {
    let python = env::var("BATCHINTORY_TEST_PYTHON").context(
        "no pybatchintory to test with: run `cargo xtask test`, or set BATCHINTORY_TEST_PYTHON to a \
         Python that has pybatchintory 0.0.8 and psycopg2",
    )?;
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/pybatchintory_inventory.py"
    );
    let output = (Command::new(python).args([script, sqlalchemy_url, qualified])).output()?;
    let printed = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{printed}");
    Ok(())
}

/// The texts that a statement selects.
async fn texts(database: &TestDatabase, statement: &str) -> Result<Vec<String>> {
    let rows = (database.connection.query(statement, &[]).await)
        .map_err(|error| anyhow!("{statement}: {error:?}"))?;
    let text = |value| match value {
        Value::Text(text) => Ok(text),
        other => bail!("{other:?} is no text"),
    };
    rows.rows.into_iter().flatten().map(text).collect()
}

async fn upgrade(database: TestDatabase, sqlalchemy_url: &str, qualified: &str) -> Result<()> {
    let files = Table {
        series: Some(Series {
            from: 1,
            to: 40,
            weight: 10.0,
        }),
        ..Table::files(Vec::new())
    };
    files.create(database.connection.as_ref()).await?;
    run_pybatchintory(sqlalchemy_url, qualified)?;

    let inventory = Inventory::open(&database.url).await?;
    let another = Inventory::open(&database.url).await?;
    let Err(error) = acquire(&inventory, "thumbnails").await else {
        bail!("it is not upgraded yet");
    };
    assert!(error.to_string().contains("migrate"), "{error}");
    let (one, other) = tokio::join!(inventory.migrate(), another.migrate());
    assert!(one?.upgraded || other?.upgraded);
    let migration = inventory.migrate().await?;
    assert!(!migration.upgraded && !migration.created);

    // Jobs go on where they stopped: 5 items, 3 that weigh 30, and 4.
    assert_eq!(acquire(&inventory, "thumbnails").await?, (13, 17, 1));
    assert_eq!(acquire(&inventory, "qualified").await?, (8, 12, 1));
    assert_eq!(acquire(&inventory, "twice").await?, (4, 8, 1));

    // What failed is listed and can be requeued.
    let exhausted = inventory
        .history(&HistoryQuery {
            queue: Some(Queue::Exhausted),
            limit: 10,
            ..HistoryQuery::default()
        })
        .await?;
    let [failed] = exhausted.as_slice() else {
        bail!("{exhausted:?}");
    };
    assert_eq!((failed.id_start, failed.id_end), (6, 8));
    assert_eq!(failed.log.as_deref(), Some("broken"));
    let requeued = inventory.requeue("files", "thumbnails", &RequeueTarget::Exhausted);
    assert_eq!(requeued.await?, 1);
    assert_eq!(acquire(&inventory, "thumbnails").await?, (6, 8, 2));

    // What ran can be ended by its token, which nobody can guess; two claims of one range are two
    // attempts at it.
    let kept = "SELECT claim_token FROM inventory WHERE id <= 6 ORDER BY id";
    let tokens: Vec<String> = texts(&database, kept).await?;
    let distinct: BTreeSet<&String> = tokens.iter().collect();
    ensure!(tokens.len() == 6 && distinct.len() == 6, "{tokens:?}");
    ensure!(tokens.iter().all(|token| token.len() >= 32), "{tokens:?}");
    let Some(of_third_row) = tokens.get(2) else {
        bail!("{tokens:?}");
    };
    let told = inventory
        .history(&HistoryQuery {
            before: Some(4),
            limit: 1,
            claim_tokens: true,
            ..HistoryQuery::default()
        })
        .await?;
    let told = told
        .first()
        .and_then(|attempt| attempt.claim_token.as_ref());
    assert_eq!(told, Some(of_third_row));
    inventory
        .complete(of_third_row, &Outcome::succeeded(None))
        .await?;
    let twice = inventory
        .history(&HistoryQuery {
            meta_table: Some("files".into()),
            job: Some("twice".into()),
            uid: Some(1),
            limit: 10,
            ..HistoryQuery::default()
        })
        .await?;
    let attempts: Vec<u32> = twice.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(attempts, [2, 1]);

    let audit = inventory.audit("files", "thumbnails", None, 100).await?;
    assert_eq!((audit.ranges, audit.differences.len()), (2, 0), "{audit:?}");

    // The original would not see our claims; it is stopped, and told why where that can be.
    let Err(error) = run_pybatchintory(sqlalchemy_url, qualified) else {
        bail!("it cannot claim any more");
    };
    let error = error.to_string();
    assert!(
        error.contains("was upgraded") || error.contains("batch_id_after"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn an_inventory_of_pybatchintory_is_upgraded_on_sqlite() -> Result<()> {
    let database = sqlite().await?;
    let path = database.url.trim_start_matches("sqlite:").to_owned();
    upgrade(database, &format!("sqlite:///{path}"), "main.files").await
}

#[tokio::test]
async fn an_inventory_of_pybatchintory_is_upgraded_on_postgresql() -> Result<()> {
    let database = postgres().await?;
    let url = database
        .url
        .replacen("postgres://", "postgresql+psycopg2://", 1);
    upgrade(database, &url, "public.files").await
}
