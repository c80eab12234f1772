//! `cargo xtask lint`: format, clippy and documentation.

use anyhow::Result;
use clap::Args;

use super::setup;
use crate::{component, packages, step, workspace};

/// Checks format, lints and documentation, with warnings denied, and the packages for Python and JavaScript
///
/// Where cargo-deny is installed, licences and sources of all dependencies too, and their advisories where those can
/// be fetched; what was not checked is said.
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
        packages::javascript::lint()?;
        check_dependencies()
    }
}

/// Checks what all of it depends on.
fn check_dependencies() -> Result<()> {
    if !step::can_run("cargo-deny") {
        step::announce(
            "NOT CHECKED: licences and advisories of dependencies, since cargo-deny is missing \
             (`cargo install cargo-deny`)",
        );
        return Ok(());
    }
    let deny = || {
        let mut deny = workspace::cargo();
        // Without it only what the core depends on is looked at, whose package is the root's.
        deny.args(["deny", "--workspace"]);
        deny
    };
    step::announce_and_run(deny().args(["check", "bans", "licenses", "sources"]))?;
    if let Err(error) = step::output(deny().args(["fetch", "db"])) {
        step::announce(format_args!(
            "NOT CHECKED: advisories about dependencies, since they cannot be had: {error:#}"
        ));
        return Ok(());
    }
    step::announce_and_run(deny().args(["check", "advisories"]))
}
