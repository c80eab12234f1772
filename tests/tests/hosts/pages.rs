//! Pages that end by their bytes, on every database.

use anyhow::{Context, Result, bail};
use batchintory::{AcquireRequest, HistoryQuery, JobsQuery, Outcome};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Inventory, Limits};
use serde_json::json;

/// How many items there are, of so many bytes each.
const ITEMS: i64 = 40;
const ITEM_BYTES: usize = 200_000;

/// How many of them fill a page of a MiB, and the most memory that the planner needs for one.
const ITEMS_OF_PAGE: usize = 6;
const MEMORY_BYTES: usize = 16 << 20;

/// An inventory whose planner has little memory, and items that are long together.
async fn prepare(database: &TestDatabase, repeated: &str) -> Result<Inventory> {
    let inventory = Inventory::builder()
        .inventory(database.connection.clone())
        .limits(Limits {
            memory_bytes: MEMORY_BYTES,
            ..Limits::default()
        })
        .build()?;
    inventory.migrate().await?;
    let rows = (1..=ITEMS).map(|uid| vec![json!(uid), json!("a"), json!(1)]);
    Table::files(rows.collect())
        .create(database.connection.as_ref())
        .await?;
    let grow = format!("UPDATE files SET item = {repeated}");
    execute(database.connection.as_ref(), &grow, &[]).await?;
    Ok(inventory)
}

async fn items_come_whole(inventory: &Inventory) -> Result<()> {
    let request = AcquireRequest::new("files", "items");
    let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
        bail!("no batch");
    };
    let mut pages = inventory.item_pages(&batch.claim_token);
    let mut uids = Vec::new();
    while let Some(page) = pages.next().await? {
        assert!((1..=ITEMS_OF_PAGE).contains(&page.len()), "{}", page.len());
        for item in page {
            assert_eq!(item.item.context("an item")?.len(), ITEM_BYTES);
            uids.push(item.uid);
        }
    }
    assert!(uids.into_iter().eq(1..=ITEMS));
    // Whatever a page ends by, its end is not the items'.
    let two = batch.items_after(Some(2), 2).await?;
    assert_eq!(two.iter().map(|item| item.uid).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(batch.items().await?.len(), 40);
    Ok(())
}

async fn attempts_come_whole(inventory: &Inventory) -> Result<()> {
    let request = AcquireRequest {
        max_count: Some(1),
        ..AcquireRequest::new("files", "attempts")
    };
    let long = "x".repeat(400_000);
    let outcome = Outcome {
        result_item: Some(format!("{long:?}")),
        ..Outcome::failed(long)
    };
    for batch in inventory.acquire_many(&request, 5).await? {
        inventory.complete(&batch.claim_token, &outcome).await?;
    }
    let mut query = HistoryQuery {
        job: Some("attempts".into()),
        ..HistoryQuery::default()
    };
    let mut lengths = Vec::new();
    while let Some(page) = Some(inventory.history(&query).await?).filter(|page| !page.is_empty()) {
        assert!(page.iter().all(|attempt| attempt.log == outcome.log));
        query.before = page.last().map(|attempt| attempt.id);
        lengths.push(page.len());
    }
    assert_eq!(lengths, [2, 2, 1]);
    query = HistoryQuery {
        before: None,
        details: false,
        ..query
    };
    assert_eq!(inventory.history(&query).await?.len(), 5);
    Ok(())
}

/// Names that a collation may take for one, or put in any order: each is given once, whatever a page ends
/// with.
async fn jobs_come_whole(inventory: &Inventory) -> Result<()> {
    let names = [
        "a", "A", "a ", "ä", "Ä", "á", "aa", "a-", "ß", "ss", "%", "_", "'\"", "z",
    ];
    for name in names {
        inventory
            .acquire(&AcquireRequest::new("files", name))
            .await?;
    }
    let all = inventory.jobs(&JobsQuery::default()).await?;
    for name in names {
        assert_eq!(
            all.iter().filter(|job| job.job == name).count(),
            1,
            "{name}"
        );
    }
    for limit in [1, 2, 5] {
        let mut pages = inventory.job_pages(JobsQuery {
            limit,
            ..JobsQuery::default()
        });
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            assert!(page.len() <= limit as usize);
            found.extend(page);
        }
        assert_eq!(found, all, "by {limit}");
    }
    for search in ["a", "A", "%", "a "] {
        let query = JobsQuery {
            search: Some(search.into()),
            ..JobsQuery::default()
        };
        let found = inventory.jobs(&query).await?;
        let expected = all.iter().filter(|job| job.job.contains(search));
        assert!(found.iter().eq(expected), "{search}");
    }
    Ok(())
}

async fn pages_end_by_their_bytes(database: TestDatabase, repeated: &str) -> Result<()> {
    let inventory = prepare(&database, repeated).await?;
    items_come_whole(&inventory).await?;
    attempts_come_whole(&inventory).await?;
    jobs_come_whole(&inventory).await
}

#[tokio::test]
async fn pages_end_by_their_bytes_on_sqlite() -> Result<()> {
    pages_end_by_their_bytes(sqlite().await?, "hex(zeroblob(100000))").await
}

#[tokio::test]
async fn pages_end_by_their_bytes_on_postgres() -> Result<()> {
    pages_end_by_their_bytes(postgres().await?, "repeat('00', 100000)").await
}

#[tokio::test]
async fn pages_end_by_their_bytes_on_mysql() -> Result<()> {
    let database = mysql().await?;
    let long = "ALTER TABLE files MODIFY item longtext";
    let inventory = prepare(&database, "'a'").await?;
    execute(database.connection.as_ref(), long, &[]).await?;
    let grow = "UPDATE files SET item = repeat('00', 100000)";
    execute(database.connection.as_ref(), grow, &[]).await?;
    items_come_whole(&inventory).await?;
    attempts_come_whole(&inventory).await?;
    jobs_come_whole(&inventory).await
}
