//! Against pybatchintory 0.0.8, on the same tables: acquire a batch and mark it as succeeded, without
//! and with reading its items. pybatchintory always reads them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use batchintory_wasmtime::{Acquired, Inventory};
use tokio::process::Command;

use crate::claims::request;
use crate::report::{Bar, Report};
use crate::tables::{BATCH_WEIGHT, Server};
use crate::timing::{Rounds, Samples};

const SCRIPT: &str = include_str!("pybatchintory.py");

/// Measures.
pub async fn measure(
    server: &Server,
    python: &Path,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    let (small, large) = rounds.python;
    for (table, rounds, [theirs_key, key, with_items_key], bar) in [
        (
            "files_10k",
            small,
            [
                "pybatchintory_10k_ms",
                "speedup_vs_pybatchintory_10k",
                "speedup_reading_items_10k",
            ],
            Bar::AtLeast(15.0),
        ),
        (
            "files_1m",
            large,
            [
                "pybatchintory_1m_ms",
                "speedup_vs_pybatchintory_1m",
                "speedup_reading_items_1m",
            ],
            Bar::None,
        ),
        (
            "files_5m",
            large,
            [
                "pybatchintory_5m_ms",
                "speedup_vs_pybatchintory_5m",
                "speedup_reading_items_5m",
            ],
            Bar::AtLeast(4_000.0),
        ),
    ] {
        let theirs = pybatchintory(server, python, table, rounds).await?.median();
        let (bare, with_items) = ours(server, table).await?;
        report.add(theirs_key, theirs * 1e3, Bar::None);
        report.add(key, theirs / bare.median(), bar);
        report.add(with_items_key, theirs / with_items.median(), Bar::None);
    }
    Ok(())
}

/// Rounds of pybatchintory, which reads the items of each batch.
pub async fn pybatchintory(
    server: &Server,
    python: &Path,
    table: &str,
    rounds: usize,
) -> Result<Samples> {
    server
        .client
        .batch_execute("DROP TABLE IF EXISTS inventory_of_python; DROP TYPE IF EXISTS status_enum")
        .await?;
    let url = server.url.replace("postgres://", "postgresql+psycopg2://");
    let output = Command::new(python)
        .args([
            "-c",
            SCRIPT,
            &url,
            table,
            &BATCH_WEIGHT.to_string(),
            &rounds.to_string(),
            "inventory_of_python",
        ])
        .stderr(std::process::Stdio::inherit())
        .output()
        .await
        .with_context(|| format!("{} cannot be started", python.display()))?;
    ensure!(output.status.success(), "pybatchintory failed");
    let seconds: Vec<f64> = serde_json::from_slice(&output.stdout)?;
    let mut samples = Samples::default();
    for seconds in seconds {
        samples.add(Duration::from_secs_f64(seconds));
    }
    Ok(samples)
}

/// Rounds of our own, without and with the items.
async fn ours(server: &Server, table: &str) -> Result<(Samples, Samples)> {
    let inventory = Inventory::open(&server.url).await?;
    let request = request(table, "against pybatchintory");
    let (mut bare, mut with_items) = (Samples::default(), Samples::default());
    for round in 0..80 {
        let reads_items = round % 2 == 0;
        let start = Instant::now();
        let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
            bail!("nothing left in {table}");
        };
        if reads_items {
            let items = batch.items().await?;
            ensure!(items.len() as u64 == batch.count);
        }
        batch.succeed().await?;
        if reads_items {
            with_items.add_since(start);
        } else {
            bare.add_since(start);
        }
    }
    Ok((bare, with_items))
}
