//! Benchmarks of batchintory: ratios against the same work done by hand and by pybatchintory, all
//! measured in one run, turn by turn, so that a noisy machine disturbs both sides alike.
//!
//! Run by `cargo xtask bench`, which brings the PostgreSQL server and the Python environment.

mod boundary;
mod claims;
mod contention;
mod floor;
mod items;
mod long_batch;
mod long_history;
mod network;
mod python;
mod python_package;
mod recorder;
mod report;
mod service;
mod status;
mod tables;
mod timing;
mod turns;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, ValueEnum};

use crate::report::Report;

#[derive(Parser)]
enum Command {
    Measure(Arguments),
    #[command(hide = true)]
    Worker(contention::Worker),
    #[command(hide = true)]
    Service(service::Service),
}

/// Measures batchintory against hand-written statements and pybatchintory.
#[derive(Args)]
struct Arguments {
    /// The server to measure on; tables are made and dropped in its database.
    #[arg(long)]
    postgres: String,
    /// A Python interpreter that has pybatchintory 0.0.8.
    #[arg(long)]
    python: PathBuf,
    /// A Python interpreter that has this project's Python package and psycopg 3.
    #[arg(long)]
    python_package: Option<PathBuf>,
    /// Fewer rounds: less than five minutes in all.
    #[arg(long)]
    quick: bool,
    /// How long the history is that `status` looks at.
    #[arg(long, default_value_t = 1_000_000)]
    attempts: u64,
    /// One part only.
    #[arg(long)]
    only: Option<Part>,
    /// Writes the figures as one flat JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What the component costs beside the native core.
    Boundary,
    /// Single claims, beside statements by hand.
    Claims,
    /// A worker's whole turn, beside five statements by hand.
    Turns,
    /// The same beside pybatchintory.
    Python,
    /// The Python package, beside pybatchintory and the same statements sent bare.
    PythonPackage,
    /// Reading the items of a batch, beside the driver's own SELECT.
    Items,
    /// A batch of a million items.
    LongBatch,
    /// Claims beside a million attempts and an old transaction.
    LongHistory,
    /// Looks at jobs with a million attempts.
    Status,
    /// A server that is not near.
    Network,
    /// Many workers on one job.
    Contention,
    /// The HTTP service under load.
    Service,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Command::parse() {
        Command::Measure(arguments) => measure(&arguments).await,
        Command::Worker(worker) => worker.run().await,
        Command::Service(service) => service.run().await,
    }
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let rounds = timing::Rounds::new(arguments.quick);
    let mut report = Report::default();

    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    if wanted(Part::Boundary) {
        boundary::measure(&rounds, &mut report).await?;
    }
    let server = tables::Server::prepare(&arguments.postgres).await?;
    if wanted(Part::Claims) {
        claims::measure(&server, &rounds, &mut report).await?;
    }
    if wanted(Part::Turns) {
        turns::measure(&server, &rounds, &mut report).await?;
    }
    if wanted(Part::Python) {
        python::measure(&server, &arguments.python, &rounds, &mut report).await?;
    }
    if let Some(package) = (arguments.python_package.as_deref())
        && wanted(Part::PythonPackage)
    {
        let pythons = (arguments.python.as_path(), package);
        python_package::measure(&server, pythons, &rounds, &mut report).await?;
    }
    if wanted(Part::Items) {
        let python = arguments.python_package.as_deref();
        items::measure(&server, python, &rounds, &mut report).await?;
    }
    if wanted(Part::LongBatch) {
        long_batch::measure(&server, &rounds, &mut report).await?;
    }
    if wanted(Part::LongHistory) {
        long_history::measure(&server, &rounds, &mut report).await?;
    }
    if wanted(Part::Status) {
        status::measure(&server, arguments.attempts, &rounds, &mut report).await?;
    }
    if wanted(Part::Network) {
        network::measure(&server, &arguments.python, &rounds, &mut report).await?;
    }
    if wanted(Part::Contention) {
        contention::measure(&server, &rounds, &mut report).await?;
    }
    if wanted(Part::Service) {
        service::measure(&server, &rounds, &mut report).await?;
    }

    println!("{}", report.table());
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    Ok(())
}
