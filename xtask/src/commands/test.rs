//! `cargo xtask test`: all tests, PostgreSQL included.

use std::env;
use std::ffi::OsString;

use anyhow::Result;
use clap::Args;

use super::component;
use crate::postgres::{Cluster, Options};
use crate::{python, step, workspace};

/// The variable with the URL of the PostgreSQL server to test on.
const SERVER: &str = "BATCHINTORY_TEST_POSTGRES";

/// The variable with the Python that has pybatchintory.
const PYTHON: &str = "BATCHINTORY_TEST_PYTHON";

/// Runs all tests, on SQLite and on PostgreSQL
///
/// Builds the component, starts a throw-away PostgreSQL and runs `cargo test --workspace`.
/// PostgreSQL's server programs are looked for in the usual places; as root on Debian the package
/// `postgresql` is installed when there are none. With BATCHINTORY_TEST_POSTGRES set, the tests use
/// that server instead, on which they must be allowed to create databases.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test\n  cargo xtask test -- -p xtask\n  cargo xtask test -- claims -- --nocapture"
)]
pub struct Test {
    /// Arguments for cargo test
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

impl Test {
    pub fn run(self) -> Result<()> {
        component::build()?;
        let mut tests = workspace::cargo();
        tests.arg("test").env(PYTHON, python::interpreter()?);
        if !names_package(&self.arguments) {
            tests.arg("--workspace");
        }
        tests.args(&self.arguments);
        if env::var_os(SERVER).is_some_and(|url| !url.is_empty()) {
            return step::announce_and_run(&mut tests);
        }
        let cluster = Cluster::start(Options {
            durable: false,
            settings: &[],
        })?;
        step::announce_and_run(tests.env(SERVER, cluster.url()))
    }
}

/// Whether cargo test is told which packages to test.
fn names_package(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .map_while(|argument| argument.to_str().filter(|&argument| argument != "--"))
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> bool {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        names_package(&arguments)
    }

    #[test]
    fn packages_are_recognised_before_the_arguments_of_the_test_programs() {
        assert!(names(&["-p", "xtask"]));
        assert!(names(&["--release", "--package=xtask"]));
        assert!(!names(&["claims", "--", "-p"]));
        assert!(!names(&[]));
    }
}
