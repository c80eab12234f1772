//! The command line of batchintory.

mod cli;
mod commands;
mod error;
mod files;
mod meta_table;
mod output;
mod process;
mod request;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let json = cli.global.json;
    match commands::run(cli).await {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.report(json);
            failure.code().into()
        }
    }
}
