//! The development commands of batchintory: see `cargo xtask --help`.

#![forbid(unsafe_code)]

mod chromium;
mod commands;
mod compatibility;
mod component;
mod java;
mod mariadb;
mod memory;
mod node;
mod packages;
mod poolers;
mod postgres;
mod processor;
mod python;
mod server;
mod step;
mod versions;
mod wasmtime;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::{attack, bench, demo, docs, fuzz, lint, package, setup, simulate, test, version};

/// batchintory's development commands.
///
/// Each step is announced on standard error; the exit status is that of the first step that fails.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Setup(setup::Setup),
    Component(commands::component::Component),
    Demo(demo::Demo),
    Test(test::Test),
    Lint(lint::Lint),
    Attack(attack::Attack),
    Bench(bench::Bench),
    Simulate(simulate::Simulate),
    Fuzz(fuzz::Fuzz),
    Docs(docs::Docs),
    Package(package::Package),
    Compatibility(commands::compatibility::Compatibility),
    Version(version::Version),
}

impl Command {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Setup(command) => command.run(),
            Self::Component(command) => command.run(),
            Self::Demo(command) => command.run(),
            Self::Test(command) => command.run(),
            Self::Lint(command) => command.run(),
            Self::Attack(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Fuzz(command) => command.run(),
            Self::Docs(command) => command.run(),
            Self::Package(command) => command.run(),
            Self::Compatibility(command) => command.run(),
            Self::Version(command) => command.run(),
        }
    }
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            step::exit_code(&error)
        }
    }
}
