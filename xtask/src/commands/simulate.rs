//! `cargo xtask simulate`: the planner under faults, seed by seed.

use std::ffi::OsString;

use anyhow::Result;
use clap::Args;

use crate::{step, workspace};

/// Runs the simulator: many workers over one database, with faults, step by step
///
/// Ends with 0 only when every invariant holds for every seed. Its last line counts seeds, statements
/// and faults of each kind.
#[derive(Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:\n  cargo xtask simulate --seeds 100000\n  cargo xtask simulate --seeds 1 --seed 42\n  cargo xtask simulate --mutations"
)]
pub struct Simulate {
    /// Options of the simulator; --help tells them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Simulate {
    pub fn run(self) -> Result<()> {
        let mut simulator = workspace::cargo();
        simulator
            .args(["run", "--quiet", "--profile", "simulator"])
            // Threads with a database each would wait for one lock, only to count bytes.
            .env("LIBSQLITE3_FLAGS", "-DSQLITE_DEFAULT_MEMSTATUS=0")
            .args(["--package", "batchintory-simulator", "--"])
            .args(&self.arguments);
        step::run(&mut simulator)
    }
}
