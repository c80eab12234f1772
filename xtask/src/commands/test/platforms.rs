//! The Python package on data platforms, each in an environment of its own.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use super::suite::{Format, Suite};
use super::suites::component_file;
use crate::python::Environment;
use crate::{java, packages};

/// A data platform, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// Each
    All,
    /// Airflow 3: a scheduler, and tasks that are killed
    Airflow,
    /// Spark 4: streams, and a cluster whose driver and executors are killed
    Spark,
    /// Dagster: a sensor, and a daemon and a run that are killed
    Dagster,
    /// Celery, one of whose workers is killed
    Celery,
    /// Ray, on a cluster of this machine, one of whose workers is killed
    Ray,
    /// Prefect 3: a server, and flow runs one of whose processes is killed
    Prefect,
    /// dlt, whose pipeline is killed, with DuckDB and with files
    Dlt,
    /// The notebook of the examples, in Jupyter's kernel
    Notebook,
    /// No platform, but the oldest wasmtime that the package takes
    Wasmtime,
}

impl Platform {
    /// Those that are meant, each once.
    pub fn chosen(asked: &[Self]) -> Vec<Self> {
        let is_asked = |platform: &Self| asked.contains(&Self::All) || asked.contains(platform);
        (Self::value_variants().iter().copied())
            .filter(|platform| *platform != Self::All && is_asked(platform))
            .collect()
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The suite of its tests. What they need is installed, which may take minutes.
    pub fn suite(self) -> Result<Suite> {
        let name = self.name();
        if self == Self::Spark {
            java::find_or_install()?;
        }
        let tests = packages::python::folder().join("tests/platforms");
        let environment = Environment::listed_in(
            format!("platforms/{name}"),
            format!("host-adapters/python/tests/platforms/{name}.txt"),
        );
        let mut command = Command::new(packages::python::installed(&environment)?);
        command
            .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
            .arg(tests.join(format!("test_{name}.py")))
            // None is to tell its makers of tests.
            .envs([
                ("DO_NOT_TRACK", "1"),
                ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
                ("RUNTIME__DLTHUB_TELEMETRY", "false"),
            ])
            .current_dir(packages::python::folder());
        Ok(Suite {
            name: format!("host-adapters/python {name}"),
            host: "Python".into(),
            command,
            format: Format::Pytest,
            inputs: vec![packages::python::folder(), component_file()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_is_tested_once() {
        let all = Platform::chosen(&[Platform::All, Platform::Spark]);
        assert_eq!(all.len(), Platform::value_variants().len() - 1);
        let one = Platform::chosen(&[Platform::Spark, Platform::Spark]);
        assert_eq!(one, [Platform::Spark]);
    }
}
