//! The Python package: beside pybatchintory on the same tables, and beside the very same statements sent bare
//! by the same driver.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::python::pybatchintory;
use crate::report::{Bar, Report};
use crate::tables::{BATCH_WEIGHT, Server};
use crate::timing::{Rounds, median};

const SCRIPT: &str = include_str!("python_package.py");

/// Seconds of each round.
#[derive(Deserialize)]
struct Seconds {
    /// Ending a batch and taking the next one with its items.
    turn: Vec<f64>,
    /// The statements of a turn, sent bare.
    floor: Vec<f64>,
}

/// Measures, with a Python that has pybatchintory and one that has the package.
pub async fn measure(
    server: &Server,
    (pybatchintory_python, package_python): (&Path, &Path),
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    for (table, their_rounds, key, bar) in [
        (
            "files_10k",
            rounds.python.0,
            "python_speedup_10k",
            Bar::AtLeast(8.0),
        ),
        (
            "files_5m",
            rounds.python.1,
            "python_speedup_5m",
            Bar::AtLeast(2_000.0),
        ),
    ] {
        let theirs = pybatchintory(server, pybatchintory_python, table, their_rounds).await?;
        let ours = package(server, package_python, table).await?;
        let (turn, floor) = (median(ours.turn), median(ours.floor));
        report.add(key, theirs.median() / turn, bar);
        if table == "files_5m" {
            report.add("python_turn_ms", turn * 1e3, Bar::None);
            report.add("python_floor_ms", floor * 1e3, Bar::None);
            report.add(
                "python_over_floor_ms",
                (turn - floor) * 1e3,
                Bar::AtMost(0.5),
            );
        }
    }
    Ok(())
}

async fn package(server: &Server, python: &Path, table: &str) -> Result<Seconds> {
    // As many batches of about 100 items as the smallest table has.
    const ROUNDS: usize = 90;
    let output = Command::new(python)
        .args(["-c", SCRIPT, &server.url, table])
        .args([BATCH_WEIGHT.to_string(), ROUNDS.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .await
        .with_context(|| format!("{} cannot be started", python.display()))?;
    ensure!(output.status.success(), "the Python package failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}
