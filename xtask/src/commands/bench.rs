//! `cargo xtask bench`: what batchintory costs, beside hand-written statements and pybatchintory.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::postgres::{Cluster, Options};
use crate::{component, packages, python, step, workspace};

/// Settings of the server that is measured: commits reach the disk, and a table of five million
/// rows fits into memory.
const SETTINGS: [&str; 3] = [
    "shared_buffers = '512MB'",
    "max_wal_size = '4GB'",
    "checkpoint_timeout = '30min'",
];

/// Measures batchintory against hand-written statements and pybatchintory
///
/// Starts a throw-away PostgreSQL that does wait for its disk, makes a Python environment with
/// pybatchintory under target/pybatchintory, and prints a table of ratios from one run.
#[derive(Args)]
pub struct Bench {
    /// Fewer rounds: done within five minutes on two cores
    #[arg(long)]
    quick: bool,
    /// Measure one part only: boundary, claims, python, turns, python-package, items, long-batch, long-history, status, network, contention or service
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Also write the results to a file, as one flat JSON object
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Bench {
    pub fn run(self) -> Result<()> {
        component::build()?;
        let python = python::PYBATCHINTORY.interpreter()?;
        let package = packages::python::installed(&python::PACKAGE)?;
        step::run(workspace::cargo().args([
            "build",
            "--release",
            "--package",
            "batchintory-bench",
        ]))?;
        let cluster = Cluster::start(Options {
            durable: true,
            settings: &SETTINGS,
        })?;
        let mut bench = workspace::cargo();
        bench
            .args([
                "run",
                "--quiet",
                "--release",
                "--package",
                "batchintory-bench",
                "--",
                "measure",
            ])
            .args(["--postgres", cluster.url()])
            .arg("--python")
            .arg(python)
            .arg("--python-package")
            .arg(package);
        if self.quick {
            bench.arg("--quick");
        }
        if let Some(part) = self.only {
            bench.args(["--only", &part]);
        }
        if let Some(file) = self.json {
            let file = std::path::absolute(&file)
                .with_context(|| format!("{} is no path", file.display()))?;
            bench.arg("--json").arg(file);
        }
        step::announce("measuring");
        step::run(&mut bench)
    }
}
