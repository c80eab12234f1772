//! `cargo xtask setup`: what rustup must have installed.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{step, workspace};

/// The target that the planner is built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

const COMPONENTS: [&str; 2] = ["clippy", "rustfmt"];

/// Installs what the pinned toolchain lacks: the WebAssembly target, clippy and rustfmt
///
/// Asks rustup explicitly, for machines on which it does not install by itself what
/// rust-toolchain.toml lists. Never updates a toolchain.
#[derive(Args)]
pub struct Setup {}

impl Setup {
    pub fn run(self) -> Result<()> {
        ensure_target()?;
        ensure_components()
    }
}

/// Makes sure that the toolchain can build for WebAssembly.
pub fn ensure_target() -> Result<()> {
    let libraries = step::output(rustc().args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(&libraries).is_dir() {
        return Ok(());
    }
    if !has_rustup() {
        bail!(
            "the Rust toolchain lacks the target {TARGET}, and there is no rustup to add it: \
             install rustup (https://rustup.rs), then run `cargo xtask setup`"
        );
    }
    step::announce_and_run(rustup().args(["target", "add", TARGET]))
}

/// Makes sure that clippy and rustfmt are there.
pub fn ensure_components() -> Result<()> {
    let missing: Vec<&str> = COMPONENTS
        .into_iter()
        .filter(|component| !runs(component))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !has_rustup() {
        bail!(
            "the Rust toolchain lacks {}, and there is no rustup to add it: install rustup \
             (https://rustup.rs), then run `cargo xtask setup`",
            missing.join(" and ")
        );
    }
    step::announce_and_run(rustup().args(["component", "add"]).args(missing))
}

fn runs(component: &str) -> bool {
    let subcommand = if component == "rustfmt" {
        "fmt"
    } else {
        component
    };
    step::output(workspace::cargo().args([subcommand, "--version"])).is_ok()
}

fn has_rustup() -> bool {
    step::output(rustup().arg("--version")).is_ok()
}

/// rustc and rustup go by the toolchain that rust-toolchain.toml names, as they run in the checkout.
fn rustc() -> Command {
    in_checkout("rustc")
}

fn rustup() -> Command {
    in_checkout("rustup")
}

fn in_checkout(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}
