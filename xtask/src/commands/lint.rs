//! `cargo xtask lint`: format, clippy and documentation.

use anyhow::Result;
use clap::Args;

use super::setup;
use crate::{component, packages, step, workspace};

/// Checks format, lints and documentation, with warnings denied, and the packages for Python and JavaScript
#[derive(Args)]
pub struct Lint {}

impl Lint {
    pub fn run(self) -> Result<()> {
        setup::ensure_components()?;
        step::announce_and_run(workspace::cargo().args(["fmt", "--all", "--check"]))?;
        component::build()?;
        step::announce_and_run(
            workspace::cargo()
                .args(["clippy", "--workspace", "--all-targets"])
                .args(["--", "-D", "warnings"]),
        )?;
        component::lint()?;
        step::announce_and_run(
            workspace::cargo()
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )?;
        packages::python::lint()?;
        packages::javascript::lint()
    }
}
