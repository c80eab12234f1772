//! `cargo xtask fuzz`: the planner under whatever callers, users and hosts may send.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::{step, workspace};

/// The fuzzer that is installed where there is none.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// Fuzzes the planner: conditions, requests, and hosts that answer with anything
///
/// Each target runs for --seconds on one core. Inputs that reach something new are kept in
/// target/fuzzing, and what the planner cannot bear in tests/fuzzing/fuzz/artifacts: then this ends with an
/// error that says how to reproduce it. cargo-fuzz is installed under target/tools where it is
/// missing; it needs a C++ compiler. A short run is part of `cargo xtask test`.
#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask fuzz\n  cargo xtask fuzz host --seconds 3600")]
pub struct Fuzz {
    /// What to fuzz; all when none is named
    targets: Vec<Target>,
    /// How long each target runs
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    seconds: u32,
}

/// What can be fuzzed.
#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// The text of a filter or hold
    Condition,
    /// Any call with any arguments
    Request,
    /// Any answer of the host
    Host,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Request => "request",
            Self::Host => "host",
        }
    }
}

impl Fuzz {
    pub fn run(self) -> Result<()> {
        let cargo_fuzz = cargo_fuzz()?;
        let targets = if self.targets.is_empty() {
            Target::value_variants()
        } else {
            &self.targets
        };
        let project = workspace::root().join("tests/fuzzing/fuzz");
        for target in targets {
            let name = target.name();
            let found = workspace::target("fuzzing").join(name);
            fs::create_dir_all(&found)
                .with_context(|| format!("cannot create {}", workspace::shown(&found)))?;
            let mut fuzz = Command::new(&cargo_fuzz);
            // The planner has no unsafe code: without sanitizers the stable compiler will do.
            fuzz.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
                .arg(&project)
                .arg("--target-dir")
                .arg(workspace::target("fuzz"))
                .arg(name)
                .arg(&found)
                .arg(project.join("corpus").join(name))
                .args(["--", "-max_len=4000", "-print_final_stats=1"])
                .arg(format!("-max_total_time={}", self.seconds));
            step::announce_and_run(&mut fuzz)?;
        }
        Ok(())
    }
}

/// The program cargo-fuzz, installed if it is not there yet.
fn cargo_fuzz() -> Result<PathBuf> {
    let is_there = step::can_run("cargo-fuzz") || step::tool("cargo-fuzz").is_file();
    ensure!(
        is_there || step::can_run("c++"),
        "libFuzzer needs a C++ compiler: install one (Debian and Ubuntu: `apt-get install g++`)"
    );
    step::installed("cargo-fuzz", CARGO_FUZZ, &[])
}
