//! `cargo xtask attack`: the service and its workers under attack and in trouble.

use anyhow::Result;
use clap::Args;

use crate::{component, poolers, postgres, step, workspace};

/// The test that does it.
const TEST: &str =
    "attack::every_item_succeeds_once_whatever_is_done_to_the_service_and_to_workers";

/// The variable that says for how long.
const SECONDS: &str = "BATCHINTORY_TEST_ATTACK_SECONDS";

/// Attacks the service and its workers, and looks what is lost
///
/// Starts `batchintory serve` and workers on a PostgreSQL of its own behind PgBouncer, and does to them one
/// after the other: slow clients and such that do not read, kills and stops of workers, kills of the service
/// and of the pooler, connections that are cut, a database that crashes, a disk that is full, a network
/// that loses all. Fails unless every item is in exactly one batch that succeeded, nothing is left, no
/// log holds a secret, and a client that behaves was served among the slow ones. Ends with a table of figures.
///
/// The disk and the network need root on Linux; otherwise the table says that they were left out. Two
/// minutes of it are a part of `cargo xtask test`.
#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask attack\n  cargo xtask attack --minutes 60")]
pub struct Attack {
    /// For how long
    #[arg(long, value_name = "MINUTES", default_value_t = 2)]
    minutes: u32,
}

impl Attack {
    pub fn run(self) -> Result<()> {
        component::build()?;
        let programs = postgres::Programs::find_or_install()?;
        poolers::find_or_install()?;
        let mut attack = workspace::cargo();
        attack
            .args(["test", "--workspace", "--test", "integration", "--"])
            .args(["--exact", TEST, "--nocapture"])
            .env(postgres::PROGRAMS_VARIABLE, programs.folder)
            .env(SECONDS, (u64::from(self.minutes) * 60).to_string());
        step::announce_and_run(&mut attack)
    }
}
