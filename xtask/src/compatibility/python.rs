//! The Python package.

use std::process::Command;

use anyhow::Result;

use super::Before;
use crate::python::GRIFFE;
use crate::{step, workspace};

/// Whether its public names and their parameters are what they were.
pub fn check(before: &Before) -> Result<()> {
    step::run(
        Command::new(GRIFFE.interpreter()?)
            .current_dir(workspace::root())
            .args(["-m", "griffe", "check", "batchintory"])
            .args(["--search", "host-adapters/python/src"])
            .args(["--against", &before.commit]),
    )
}
