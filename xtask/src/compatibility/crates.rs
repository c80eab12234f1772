//! The crates.

use anyhow::Result;

use super::Before;
use crate::{step, workspace};

/// Whether what they export is what it was.
pub fn check(before: &Before) -> Result<()> {
    if !step::can_run("cargo-semver-checks") {
        eprintln!(
            "NOT CHECKED: the crates, since cargo-semver-checks is missing \
             (`cargo install cargo-semver-checks`)"
        );
        return Ok(());
    }
    step::announce_and_run(
        workspace::cargo()
            .args(["semver-checks", "--workspace", "--baseline-rev"])
            .arg(&before.commit),
    )
}
