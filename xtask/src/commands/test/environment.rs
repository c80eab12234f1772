//! What tests find in their environment: servers, browsers, interpreters, packages.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::component::Components;
use crate::mariadb::{self, MariaDb};
use crate::postgres::{self, Cluster, Options};
use crate::{chromium, java, memory, node, packages, poolers, python, wasmtime, workspace};

/// The variable with the Python that has pybatchintory.
const PYTHON: &str = "BATCHINTORY_TEST_PYTHON";

/// The variable with the Python that tries the HTTP API out.
const API_PYTHON: &str = "BATCHINTORY_TEST_API_PYTHON";

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

/// The variable with the folder that has other runtimes for JavaScript.
const RUNTIMES: &str = "BATCHINTORY_TEST_JAVASCRIPT_RUNTIMES";

/// The variable with the folder that has libSQL's server and client.
const LIBSQL: &str = "BATCHINTORY_TEST_LIBSQL";

/// The variables with what is packed, and with what judges it.
const PACKAGES: &str = "BATCHINTORY_TEST_PACKAGES";
const PACKAGES_REGISTRY: &str = "BATCHINTORY_TEST_PACKAGES_REGISTRY";
const PACKAGES_PYTHON: &str = "BATCHINTORY_TEST_PACKAGES_PYTHON";
const PACKAGES_NODE: &str = "BATCHINTORY_TEST_PACKAGES_NODE";

/// How PostgreSQL is started for tests.
const OPTIONS: Options = Options {
    durable: false,
    settings: &[],
};

/// Variables for tests, and the servers that they name. These are gone with it.
pub struct Environment {
    variables: Vec<(&'static str, OsString)>,
    /// The Python that has the package, where there is one.
    pub python: Option<PathBuf>,
    /// The folder with the JavaScript package, where there is one.
    pub javascript: Option<PathBuf>,
    /// The folder with other runtimes for JavaScript, and bundlers, where they were asked for.
    pub runtimes: Option<PathBuf>,
    /// Whether libSQL's server is there.
    pub has_libsql: bool,
    _postgres: Option<Cluster>,
    _mariadb: Option<MariaDb>,
}

impl Environment {
    /// All that any test asks for. The components must be built.
    pub fn whole() -> Result<Self> {
        let mut variables = Vec::new();
        let mut give = |name, value: OsString| variables.push((name, value));
        give(PYTHON, python::PYBATCHINTORY.interpreter()?.into());
        give(API_PYTHON, python::API_TESTS.interpreter()?.into());
        // Tests that crash their server, or put a pooler before it, start their own.
        give(
            postgres::PROGRAMS_VARIABLE,
            postgres::Programs::find_or_install()?.folder.into(),
        );
        poolers::find_or_install()?;
        give(CHROMIUM, chromium::find_or_install()?.into());
        give(WASMTIME, wasmtime::find_or_install()?.into());
        let dashboard = workspace::root().join("tests/dashboard");
        give(
            NODE_PACKAGES,
            node::packages_of(&dashboard, "dashboard-tests", &[])?.into(),
        );
        let python = packages::python::installed(&python::PACKAGE)?;
        give(PYTHON_PACKAGE, python.clone().into());
        give(
            EXAMPLES_PYTHON,
            packages::python::installed(&python::EXAMPLES)?.into(),
        );
        java::find_or_install()?;
        let javascript = packages::javascript::installed()?;
        give(JAVASCRIPT_PACKAGE, javascript.clone().into());
        let libsql = packages::javascript::libsql()?;
        if let Some(folder) = &libsql {
            give(LIBSQL, folder.into());
        }
        let postgres = postgres()?;
        let mariadb = mariadb()?;
        if let Some(server) = &postgres {
            give(postgres::VARIABLE, server.url().into());
        }
        if let Some(server) = &mariadb {
            give(mariadb::VARIABLE, server.url().into());
        }
        Ok(Self {
            variables,
            python: Some(python),
            javascript: Some(javascript),
            runtimes: None,
            has_libsql: libsql.is_some(),
            _postgres: postgres,
            _mariadb: mariadb,
        })
    }

    /// Other runtimes for JavaScript, and bundlers, too.
    pub fn with_runtimes(mut self) -> Result<Self> {
        let folder = packages::javascript::runtimes()?;
        self.variables.push((RUNTIMES, folder.clone().into()));
        self.runtimes = Some(folder);
        Ok(self)
    }

    /// PostgreSQL, and nothing else.
    pub fn quick() -> Result<Self> {
        Ok(Self::with_postgres(postgres()?))
    }

    /// PostgreSQL of this version, and nothing else.
    pub fn of_version(version: u8) -> Result<Self> {
        let programs = postgres::versions::programs(version)?;
        Cluster::start_by(&programs, OPTIONS).map(|server| Self::with_postgres(Some(server)))
    }

    /// Everything packed, and nothing else.
    pub fn with_packages(components: &Components) -> Result<Self> {
        packages::pack(components)?;
        let tests = workspace::root().join("tests/packages");
        let mut environment = Self::with_postgres(None);
        environment.variables = vec![
            (PACKAGES, packages::built()?.into()),
            (PACKAGES_REGISTRY, packages::crates::registry()?.into()),
            (PACKAGES_PYTHON, python::TWINE.interpreter()?.into()),
            (
                PACKAGES_NODE,
                node::packages_of(&tests, "packages-tests", &[])?.into(),
            ),
        ];
        Ok(environment)
    }

    fn with_postgres(postgres: Option<Cluster>) -> Self {
        let variables = (postgres.iter())
            .map(|server| (postgres::VARIABLE, server.url().into()))
            .collect();
        Self {
            variables,
            python: None,
            javascript: None,
            runtimes: None,
            has_libsql: false,
            _postgres: postgres,
            _mariadb: None,
        }
    }

    /// Gives a program the variables.
    pub fn set(&self, command: &mut Command) {
        command.envs(self.variables.iter().cloned());
        if let Some(folder) = memory::folder() {
            command.env("TMPDIR", folder);
        }
    }
}

/// A throw-away PostgreSQL, unless a server is given.
fn postgres() -> Result<Option<Cluster>> {
    if is_given(postgres::VARIABLE) {
        return Ok(None);
    }
    Cluster::start(OPTIONS).map(Some)
}

/// A throw-away MariaDB, unless a server is given.
fn mariadb() -> Result<Option<MariaDb>> {
    if is_given(mariadb::VARIABLE) {
        return Ok(None);
    }
    MariaDb::start().map(Some)
}

/// Whether the URL of a server is given.
fn is_given(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|url| !url.is_empty())
}
