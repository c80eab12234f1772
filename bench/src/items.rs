//! Reading the items of a batch of 100,000, beside the driver's own SELECT of the same rows: from Rust and from Python.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use batchintory_wasmtime::{AcquireRequest, Acquired, Inventory};
use serde::Deserialize;
use tokio::process::Command;

use crate::report::{Bar, Report};
use crate::tables::{Server, connected};
use crate::timing::{Rounds, Samples, median};

const SCRIPT: &str = include_str!("items.py");

const TABLE: &str = "files_1m";
const ITEMS: usize = 100_000;

/// Seconds of each round.
#[derive(Deserialize)]
struct Seconds {
    /// All items with their ids and weights.
    records: Vec<f64>,
    /// Their texts alone.
    texts: Vec<f64>,
    /// The driver's own SELECT.
    driver: Vec<f64>,
}

/// Measures, with a Python that has the package where there is one.
pub async fn measure(
    server: &Server,
    package_python: Option<&Path>,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    from_rust(server, rounds, report).await?;
    match package_python {
        Some(python) => from_python(server, python, rounds, report).await,
        None => Ok(()),
    }
}

async fn from_rust(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    let inventory = Inventory::open(&server.url).await?;
    inventory.migrate().await?;
    let request = AcquireRequest {
        max_count: Some(ITEMS as u64),
        ..AcquireRequest::new(TABLE, "items")
    };
    let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
        bail!("nothing is left in {TABLE}");
    };
    let client = connected(&server.url).await?;
    let select = format!(
        "SELECT uid, item, weight FROM {TABLE} WHERE uid BETWEEN {} AND {} ORDER BY uid",
        batch.id_start, batch.id_end
    );
    let prepared = client.prepare(&select).await?;
    let (mut ours, mut theirs) = (Samples::default(), Samples::default());
    for _ in 0..rounds.readings {
        let start = Instant::now();
        // All of them, whatever came with the claim.
        let items = inventory.item_pages(&batch.claim_token).all().await?;
        ours.add_since(start);
        ensure!(items.len() == ITEMS);
        let start = Instant::now();
        let rows = client.query(&prepared, &[]).await?;
        let rows = (rows.iter())
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect::<Result<Vec<(i64, Option<String>, f64)>>>()?;
        theirs.add_since(start);
        ensure!(rows.len() == ITEMS);
    }
    let (ours, theirs) = (ours.median(), theirs.median());
    let key = "rust_items_100k_over_driver";
    report.add(key, ours / theirs, Bar::AtMost(1.3));
    report.add("rust_items_100k_ms", ours * 1e3, Bar::None);
    Ok(())
}

async fn from_python(
    server: &Server,
    python: &Path,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    let output = Command::new(python)
        .args(["-c", SCRIPT, &server.url, TABLE])
        .args([ITEMS.to_string(), rounds.readings.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .await
        .with_context(|| format!("{} cannot be started", python.display()))?;
    ensure!(output.status.success(), "the Python package failed");
    let seconds: Seconds = serde_json::from_slice(&output.stdout)?;
    let (records, driver) = (median(seconds.records), median(seconds.driver));
    let key = "python_items_100k_over_driver";
    report.add(key, records / driver, Bar::AtMost(2.5));
    report.add("python_items_100k_ms", records * 1e3, Bar::None);
    let key = "python_item_texts_100k_over_driver";
    report.add(key, median(seconds.texts) / driver, Bar::None);
    Ok(())
}
