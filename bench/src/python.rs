//! Against pybatchintory 0.0.8, on the same tables: acquire, read the items, mark as succeeded.

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
    for (table, rounds, key, bar) in [
        ("files_10k", small, "speedup_vs_pybatchintory_10k", 15.0),
        ("files_5m", large, "speedup_vs_pybatchintory_5m", 4_000.0),
    ] {
        let theirs = pybatchintory(server, python, table, rounds).await?;
        let ours = ours(server, table).await?;
        report.add(key, theirs.median() / ours.median(), Bar::AtLeast(bar));
    }
    Ok(())
}

async fn pybatchintory(
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

async fn ours(server: &Server, table: &str) -> Result<Samples> {
    let inventory = Inventory::open(&server.url).await?;
    let request = request(table, "against pybatchintory");
    let mut samples = Samples::default();
    for _ in 0..80 {
        let start = Instant::now();
        let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
            bail!("nothing left in {table}");
        };
        let items = batch.items().await?;
        let count = batch.count;
        batch.succeed().await?;
        samples.add_since(start);
        ensure!(items.len() as u64 == count);
    }
    Ok(samples)
}
