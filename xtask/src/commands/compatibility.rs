//! `cargo xtask compatibility`: whether what others build on is still what it was.

use anyhow::{Result, ensure};
use clap::Args;

use crate::compatibility::{Before, crates, http, interfaces, javascript, python};
use crate::step;

/// A check, and what it checks.
type Check = (&'static str, fn(&Before) -> Result<()>);

const CHECKS: [Check; 5] = [
    ("the WIT package", interfaces::check),
    ("the HTTP API", http::check),
    ("the Python package", python::check),
    ("the JavaScript package", javascript::check),
    ("the crates", crates::check),
];

/// Looks for what would break programs that were written for another version
///
/// Compares this checkout with a commit, such as the last version's tag: the WIT package's worlds, the HTTP API's
/// description, the types of the packages for Python and JavaScript, and, where cargo-semver-checks is installed, the
/// crates. `--json` of the command line has the records of the HTTP API. All that breaks is listed, for Python also what
/// modules share that are none of its interface; whether it may, the next version's number tells.
#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask compatibility --since v0.1.0")]
pub struct Compatibility {
    /// A tag or a commit of this repository
    #[arg(long, value_name = "REVISION")]
    since: String,
}

impl Compatibility {
    pub fn run(self) -> Result<()> {
        let before = Before::of(&self.since)?;
        let mut broken = Vec::new();
        for (what, check) in CHECKS {
            step::announce(format_args!("{what} since {}", self.since));
            if let Err(error) = check(&before) {
                eprintln!("{error:#}");
                broken.push(what);
            }
        }
        ensure!(
            broken.is_empty(),
            "not what it was at {}: {}",
            self.since,
            broken.join(", ")
        );
        println!(
            "nothing that was checked breaks what was written for {}",
            self.since
        );
        Ok(())
    }
}
