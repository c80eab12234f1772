//! Against pybatchintory 0.0.8, on the same tables: a worker's turn, which ends a batch and acquires the next
//! with its items.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use batchintory_wasmtime::Inventory;
use tokio::process::Command;

use crate::report::{Bar, Report};
use crate::tables::{BATCH_WEIGHT, Server};
use crate::timing::{Rounds, Samples};
use crate::turns::end_and_next;

const SCRIPT: &str = include_str!("pybatchintory.py");

/// Measures.
pub async fn measure(
    server: &Server,
    python: &Path,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    let (small, large) = rounds.python;
    for (table, rounds, [theirs_key, key], bar) in [
        (
            "files_10k",
            small,
            ["pybatchintory_10k_ms", "speedup_vs_pybatchintory_10k"],
            Bar::AtLeast(15.0),
        ),
        (
            "files_1m",
            large,
            ["pybatchintory_1m_ms", "speedup_vs_pybatchintory_1m"],
            Bar::None,
        ),
        (
            "files_5m",
            large,
            ["pybatchintory_5m_ms", "speedup_vs_pybatchintory_5m"],
            Bar::AtLeast(4_000.0),
        ),
    ] {
        let theirs = pybatchintory(server, python, table, rounds).await?.median();
        let ours = ours(server, table).await?.median();
        report.add(theirs_key, theirs * 1e3, Bar::None);
        report.add(key, theirs / ours, bar);
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

/// Turns of our own.
async fn ours(server: &Server, table: &str) -> Result<Samples> {
    let inventory = Inventory::open(&server.url).await?;
    inventory.migrate().await?;
    let mut turns = Samples::default();
    let mut done = None;
    for _ in 0..80 {
        let start = Instant::now();
        done = Some(end_and_next(&inventory, table, "against pybatchintory", done).await?);
        turns.add_since(start);
    }
    Ok(turns)
}
