//! `cargo xtask test`: all tests, those on servers included.

use std::env;
use std::ffi::OsString;

use anyhow::Result;
use clap::Args;

use crate::mariadb::{self, MariaDb};
use crate::postgres::{self, Cluster, Options};
use crate::{
    chromium, component, java, node, packages, pgbouncer, python, step, wasmtime, workspace,
};

/// The variable with the Python that has pybatchintory.
const PYTHON: &str = "BATCHINTORY_TEST_PYTHON";

/// The variable with the Python that tries the HTTP API out.
const API_PYTHON: &str = "BATCHINTORY_TEST_API_PYTHON";

/// The variable with the folder of PostgreSQL's server programs.
const PROGRAMS: &str = "BATCHINTORY_TEST_POSTGRES_PROGRAMS";

/// The variable with the browser.
const CHROMIUM: &str = "BATCHINTORY_TEST_CHROMIUM";

/// The variable with the folder of the packages that drive it.
const NODE_PACKAGES: &str = "BATCHINTORY_TEST_NODE_PACKAGES";

/// The variable with wasmtime's program.
const WASMTIME: &str = "BATCHINTORY_TEST_WASMTIME";

/// The variable with the Python that has the Python package.
const PYTHON_PACKAGE: &str = "BATCHINTORY_TEST_PYTHON_PACKAGE";

/// The variable with the Python that runs the Python package's examples.
const EXAMPLES_PYTHON: &str = "BATCHINTORY_TEST_EXAMPLES_PYTHON";

/// The variable with the folder that has the JavaScript package.
const JAVASCRIPT_PACKAGE: &str = "BATCHINTORY_TEST_JAVASCRIPT_PACKAGE";

/// Runs all tests, on SQLite, PostgreSQL and MariaDB
///
/// Builds the component, starts a throw-away PostgreSQL and a throw-away MariaDB, and runs `cargo test
/// --workspace`. Installs the packages for Python and JavaScript in clean environments, for their own tests
/// too. The programs are looked for in the usual places; as root on Debian the packages `postgresql`,
/// `pgbouncer`, `mariadb-server`, `chromium`, `nodejs`, `npm` and `default-jre-headless` are installed where
/// they are missing. With BATCHINTORY_TEST_POSTGRES or BATCHINTORY_TEST_MYSQL set, the tests use that server
/// instead, on which they must be allowed to create databases.
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
        tests
            .arg("test")
            .env(PYTHON, python::PYBATCHINTORY.interpreter()?)
            .env(API_PYTHON, python::API_TESTS.interpreter()?);
        if !names_package(&self.arguments) {
            tests.arg("--workspace");
        }
        tests.args(&self.arguments);
        // Tests that crash their server, or put a pooler before it, start their own.
        tests.env(PROGRAMS, &postgres::Programs::find_or_install()?.folder);
        pgbouncer::find_or_install()?;
        tests.env(CHROMIUM, chromium::find_or_install()?);
        tests.env(WASMTIME, wasmtime::find_or_install()?);
        let dashboard = workspace::root().join("tests/dashboard");
        tests.env(
            NODE_PACKAGES,
            node::packages_of(&dashboard, "dashboard-tests")?,
        );
        tests.env(
            PYTHON_PACKAGE,
            packages::python::installed(&python::PACKAGE)?,
        );
        tests.env(
            EXAMPLES_PYTHON,
            packages::python::installed(&python::EXAMPLES)?,
        );
        java::find_or_install()?;
        tests.env(JAVASCRIPT_PACKAGE, packages::javascript::installed()?);
        let postgres = if is_given(postgres::VARIABLE) {
            None
        } else {
            Some(Cluster::start(Options {
                durable: false,
                settings: &[],
            })?)
        };
        let mariadb = if is_given(mariadb::VARIABLE) {
            None
        } else {
            Some(MariaDb::start()?)
        };
        if let Some(server) = &postgres {
            tests.env(postgres::VARIABLE, server.url());
        }
        if let Some(server) = &mariadb {
            tests.env(mariadb::VARIABLE, server.url());
        }
        step::announce_and_run(&mut tests)
    }
}

/// Whether the URL of a server is given.
fn is_given(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|url| !url.is_empty())
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
