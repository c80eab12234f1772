//! A Python environment with pybatchintory, to compare with.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// What the environment holds.
const PACKAGES: [&str; 2] = ["pybatchintory==0.0.8", "psycopg2-binary"];

/// The interpreter of the environment, which is made if it is not there yet.
pub fn interpreter() -> Result<PathBuf> {
    let folder = workspace::target("pybatchintory");
    let python = folder.join("bin/python");
    let mut check = Command::new(&python);
    if python.is_file()
        && step::output(check.args(["-c", "import pybatchintory, psycopg2"])).is_ok()
    {
        return Ok(python);
    }
    step::announce(format_args!(
        "a Python environment with {}",
        PACKAGES.join(" and ")
    ));
    step::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .context(
        "the comparison needs Python 3 with its module venv (Debian and Ubuntu: `apt-get install \
         python3-venv`)",
    )?;
    step::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(PACKAGES),
    )?;
    Ok(python)
}
