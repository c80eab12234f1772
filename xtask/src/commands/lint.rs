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
        step::announce_and_run(
            workspace::cargo()
                .args(["clippy", "--lib", "--features", "batchintory/component"])
                .args(["--package", "batchintory", "--package", "batchintory-http"])
                .args(["--package", "batchintory-spin"])
                .args(["--package", "batchintory-wasi"])
                .args(["--target", setup::TARGET])
                .env("CARGO_ENCODED_RUSTFLAGS", component::OWN_RANDOMNESS)
                .args(["--", "-D", "warnings"]),
        )?;
        step::announce_and_run(
            workspace::cargo()
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )?;
        packages::python::lint()?;
        packages::javascript::lint()
    }
}
