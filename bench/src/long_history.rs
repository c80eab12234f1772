//! What a long history costs, and a transaction that keeps the database from forgetting: claims beside
//! those on a small inventory.
//!
//! The small inventory lies in a database of its own, where nothing holds its dead rows back.

use anyhow::{Result, ensure};
use batchintory_wasmtime::{Access, AcquireRequest, Inventory, connect};
use tokio_postgres::Client;

use crate::claims::{Ours, claim, request};
use crate::report::{Bar, Report};
use crate::tables::{Server, connected};
use crate::timing::Rounds;

const TABLE: &str = "files_5m";
const JOB: &str = "a long history";
const SMALL_DATABASE: &str = "batchintory_small";
const BAR: Bar = Bar::AtMost(1.3);

/// Rows of three jobs. Each range has ten ids; one in fifty has failed once.
const HISTORY: &str = "
    INSERT INTO inventory_1m (meta_table, job, processing_start, processing_end, batch_id_start, batch_id_end,
        batch_weight, batch_count, attempt, status, config, batch_id_after, claim_token, max_attempts, watermark, queue_from,
        queue, ranges_through, items_through, weight_through)
    SELECT first.meta_table, CASE number % 3 WHEN 0 THEN first.job ELSE first.job || number % 3 END,
        first.processing_start, first.processing_start, range * 10 + 1, range * 10 + 10, 500, 10, try,
        CASE WHEN try < tries THEN 'failed' ELSE 'succeeded' END, first.config,
        CASE WHEN range = 0 THEN -9223372036854775808 ELSE range * 10 END,
        md5(number || ' ' || try), 3, CASE WHEN range = 0 THEN -9223372036854775808 ELSE range * 10 END,
        CASE WHEN range = 0 THEN -9223372036854775808 ELSE range * 10 END,
        CASE WHEN try < tries THEN 'followed' END, range + 1, (range + 1) * 10, (range + 1) * 500
    FROM (SELECT * FROM inventory_1m LIMIT 1) AS first,
        generate_series(1::bigint, 999999 / 51 * 50) AS number,
        LATERAL (SELECT number / 3 AS range, CASE number / 3 % 50 WHEN 0 THEN 2 ELSE 1 END AS tries) AS of_range,
        generate_series(1, tries) AS try";

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    for statement in [
        "DROP TABLE IF EXISTS inventory_1m, inventory_held",
        &format!("DROP DATABASE IF EXISTS {SMALL_DATABASE}"),
        &format!("CREATE DATABASE {SMALL_DATABASE}"),
    ] {
        server.client.batch_execute(statement).await?;
    }
    let (authority, _) = server.url.rsplit_once('/').unwrap_or((&server.url, ""));
    let small_url = format!("{authority}/{SMALL_DATABASE}");
    let small = open(server, &small_url, "inventory").await?;
    let request = AcquireRequest {
        lease_seconds: Some(60),
        ..request(TABLE, JOB)
    };

    let large = open(server, &server.url, "inventory_1m").await?;
    fill(&server.client, &large, &request).await?;
    let (acquire, complete) = compare(&small, &large, &request, rounds).await?;
    report.add("acquire_1m_inventory_over_small", acquire, BAR);
    report.add("complete_1m_inventory_over_small", complete, BAR);

    let holder = connected(&server.url).await?;
    holder
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
        .await?;
    let held = open(server, &server.url, "inventory_held").await?;
    for _ in 0..rounds.claims_held_back {
        claim(&held, &request, &mut Ours::default()).await?;
    }
    let (acquire, complete) = compare(&small, &held, &request, rounds).await?;
    report.add("acquire_held_xmin_over_small", acquire, BAR);
    report.add("complete_held_xmin_over_small", complete, BAR);
    holder.batch_execute("ROLLBACK").await?;
    Ok(())
}

/// An inventory in the database at this URL, beside the meta tables of the server.
async fn open(server: &Server, url: &str, table: &str) -> Result<Inventory> {
    let inventory = Inventory::builder()
        .inventory(connect(url, Access::ReadWrite).await?)
        .meta(connect(&server.url, Access::ReadWrite).await?)
        .inventory_table(table)
        .build()?;
    inventory.migrate().await?;
    Ok(inventory)
}

/// A million rows before the job goes on.
async fn fill(client: &Client, inventory: &Inventory, request: &AcquireRequest) -> Result<()> {
    // The first range is the planner's own, for the configuration that it keeps.
    let first = AcquireRequest {
        max_weight: None,
        max_count: Some(10),
        ..request.clone()
    };
    claim(inventory, &first, &mut Ours::default()).await?;
    eprintln!("making a history of a million attempts");
    let rows = client.execute(HISTORY, &[]).await?;
    ensure!(rows >= 990_000, "{rows} rows");
    // As autovacuum does after so many rows.
    client.batch_execute("VACUUM ANALYZE inventory_1m").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// How much longer an acquire and a complete take on the one than on the other, turn by turn.
async fn compare(
    small: &Inventory,
    other: &Inventory,
    request: &AcquireRequest,
    rounds: &Rounds,
) -> Result<(f64, f64)> {
    let (mut small_took, mut other_took) = (Ours::default(), Ours::default());
    for round in 0..rounds.claims {
        // A job of its own now and then, so that the small one stays small.
        let small_request = AcquireRequest {
            job: format!("{JOB} {}", round / 50),
            ..request.clone()
        };
        claim(small, &small_request, &mut small_took).await?;
        claim(other, request, &mut other_took).await?;
    }
    Ok((
        other_took.acquire.median() / small_took.acquire.median(),
        other_took.complete.median() / small_took.complete.median(),
    ))
}
