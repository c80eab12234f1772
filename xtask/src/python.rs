//! Python environments with packages, below the target directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// A Python environment.
pub struct Environment {
    folder: &'static str,
    packages: &'static [&'static str],
}

/// With pybatchintory, to compare with.
pub const PYBATCHINTORY: Environment = Environment {
    folder: "pybatchintory",
    packages: &["pybatchintory==0.0.8", "psycopg2-binary"],
};

/// With what tries the HTTP API out by its description. hypothesis makes the requests: with another
/// version, other ones.
pub const API_TESTS: Environment = Environment {
    folder: "api-tests",
    packages: &[
        "schemathesis==4.32.5",
        "hypothesis==6.170.15",
        "openapi-spec-validator==0.9.0",
    ],
};

/// For the tests of the Python package, which is installed besides.
pub const PACKAGE_TESTS: Environment = Environment {
    folder: "python-package",
    packages: &[
        "psycopg[binary]==3.3.9",
        "psycopg2-binary==2.9.13",
        "pymysql==1.2.4",
        "pytest==9.2.0",
        "tqdm==4.70.1",
    ],
};

impl Environment {
    /// Its interpreter. It is made if it is not there yet, or with other packages.
    pub fn interpreter(&self) -> Result<PathBuf> {
        let folder = workspace::target(self.folder);
        let python = folder.join("bin/python");
        // Written last, so that an environment that was not finished is made again.
        let made_of = folder.join("packages");
        let packages = self.packages.join("\n");
        if python.is_file() && fs::read_to_string(&made_of).is_ok_and(|made| made == packages) {
            return Ok(python);
        }
        step::announce(format_args!(
            "a Python environment with {}",
            self.packages.join(", ")
        ));
        step::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder),
        )
        .context(
            "the tests need Python 3 with its module venv (Debian and Ubuntu: `apt-get install \
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
                .args(self.packages),
        )?;
        fs::write(&made_of, packages)
            .with_context(|| format!("cannot write {}", workspace::shown(&made_of)))?;
        Ok(python)
    }
}
