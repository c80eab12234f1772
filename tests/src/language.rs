//! batchintory in other languages: programs on the packages as their users install them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::operations::Place;

/// The variable with the Python that has the package installed.
pub const PYTHON: &str = "BATCHINTORY_TEST_PYTHON_PACKAGE";

/// The variable with the folder in which the package is installed, with a copy of its tests.
pub const JAVASCRIPT: &str = "BATCHINTORY_TEST_JAVASCRIPT_PACKAGE";

/// The variable with the folder that has other runtimes for JavaScript.
pub const RUNTIMES: &str = "BATCHINTORY_TEST_JAVASCRIPT_RUNTIMES";

/// A language that has a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `host-adapters/python`
    Python,
    /// `host-adapters/javascript`
    JavaScript,
}

impl Language {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }

    /// The package.
    pub fn place(self) -> Place {
        match self {
            Self::Python => Place::Python,
            Self::JavaScript => Place::JavaScript,
        }
    }

    /// A program of the package's tests, by its name without an ending:
    ///
    /// - `subject`: what [`crate::process_subject`] starts;
    /// - `worker`: takes the URLs of the inventory's and the meta tables' database, and a job, and processes
    ///   batches of the meta table `files` until nothing is left.
    pub fn program(self, name: &str) -> Result<Command> {
        let (program, script): (OsString, PathBuf) = match self {
            Self::Python => {
                let tests =
                    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-adapters/python/tests");
                (variable(PYTHON)?, tests.join(name).with_extension("py"))
            }
            Self::JavaScript => {
                let tests = Path::new(&variable(JAVASCRIPT)?).join("tests");
                ("node".into(), tests.join(name).with_extension("js"))
            }
        };
        let mut command = Command::new(program);
        command.arg(script);
        Ok(command)
    }

    /// A program of the JavaScript package's tests in another runtime, by its program below the
    /// folder of the runtimes, with its arguments.
    pub fn in_runtime(runtime: &str, arguments: &[&str], name: &str) -> Result<Command> {
        let runtimes = Path::new(&variable(RUNTIMES)?).join("node_modules");
        let tests = Path::new(&variable(JAVASCRIPT)?).join("tests");
        let mut command = Command::new(runtimes.join(runtime));
        command
            .args(arguments)
            .arg(tests.join(name).with_extension("js"));
        Ok(command)
    }
}

fn variable(name: &str) -> Result<OsString> {
    env::var_os(name).with_context(|| {
        format!(
            "{name} is not set: run `cargo xtask test` (with `--edge all` for other runtimes), which \
             installs the packages"
        )
    })
}
