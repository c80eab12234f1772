//! The HTTP API.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Before;
use crate::{node, step, workspace};

/// Its description.
pub const DESCRIPTION: &str = "host-adapters/http/src/openapi.json";

/// Whether the API takes and gives what it did.
pub fn check(before: &Before) -> Result<()> {
    let scripts = workspace::root().join("tests/compatibility");
    let options = ["--ignore-scripts"];
    let home = node::packages_of(&scripts, "compatibility/http", &options)?;
    let program = home.join("http.js");
    fs::copy(scripts.join("http.js"), &program)?;
    step::run(
        Command::new("node")
            .arg(program)
            .arg(before.path(DESCRIPTION))
            .arg(workspace::root().join(DESCRIPTION)),
    )
}
