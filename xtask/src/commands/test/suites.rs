//! Which suites there are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::environment::Environment;
use super::programs;
use super::suite::{Format, Suite};
use crate::{packages, server, step, workspace};

/// How many seeds of the simulator the quick run tries.
const QUICK_SEEDS: &str = "500";

/// Every test of this checkout.
pub fn all(environment: &Environment, has_event_loops: bool) -> Result<Vec<Suite>> {
    let has_runtimes = environment.runtimes.is_some();
    let is_wanted = |test: &str| {
        (has_runtimes || !test.starts_with("runtimes::"))
            && (has_event_loops || !test.starts_with("event_loops::"))
            && (environment.has_libsql || !test.starts_with("libsql::"))
    };
    // Those of packages need packages: `--packages`.
    let options = [
        "--workspace",
        "--all-targets",
        "--exclude",
        "batchintory-packages-tests",
    ];
    let mut suites = programs::suites(&options, is_wanted)?;
    suites.push(programs::documentation());
    if let Some(python) = &environment.python {
        let folder = packages::python::folder();
        let mut command = Command::new(python);
        command
            .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
            .current_dir(&folder);
        suites.push(Suite {
            name: "host-adapters/python".into(),
            host: "Python".into(),
            command,
            format: Format::Pytest,
            inputs: vec![folder, component_file()],
        });
    }
    if let Some(home) = &environment.javascript {
        suites.push(javascript("host-adapters/javascript", home, "2"));
    }
    if let Some(home) = &environment.runtimes {
        let mut suite = javascript("host-adapters/javascript runtimes", home, "1");
        // The newest Node.js runs these tests themselves: they read SQLite by what it has built in.
        let newest = home.join("node_modules/node-26/bin");
        let others = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([newest].into_iter().chain(env::split_paths(&others)))?;
        suite.command.env("PATH", path);
        suites.push(suite);
    }
    Ok(suites)
}

/// The JavaScript tests that lie in this folder, so many files at once.
fn javascript(name: &str, home: &Path, at_once: &str) -> Suite {
    let mut command = node_that_keeps_to_modes();
    command
        .args(["--test", "--test-concurrency", at_once])
        // One that hangs is told by its name.
        .args(["--test-timeout", "900000"])
        .args(["--test-reporter", "spec"])
        .current_dir(home);
    Suite {
        name: name.into(),
        host: "JavaScript".into(),
        command,
        format: Format::NodeTest,
        inputs: vec![packages::javascript::folder(), component_file()],
    }
}

/// The planner's component.
pub fn component_file() -> PathBuf {
    workspace::target("component").join("batchintory.wasm")
}

/// Node.js, which as root keeps to the modes of files all the same, as a user does: tests of files that must not
/// be written to would have to become somebody else, who may not be able to read the checkout.
fn node_that_keeps_to_modes() -> Command {
    if !server::is_root() || !step::can_run("setpriv") {
        return Command::new("node");
    }
    let mut command = Command::new("setpriv");
    command
        .arg("--bounding-set=-dac_override,-dac_read_search")
        .arg("--inh-caps=-dac_override,-dac_read_search")
        .arg("node");
    command
}

/// What is worth knowing between two edits.
pub fn quick() -> Result<Vec<Suite>> {
    let is_wanted = |test: &str| {
        let is_scenario = ["native_core_on_", "component_on_"]
            .into_iter()
            .any(|host| test.starts_with(&format!("scenarios::{host}")));
        let is_of_simulator = !test.contains("::") && test != "every_mutation_is_noticed";
        is_of_simulator || is_scenario && !test.ends_with("mysql")
    };
    let mut suites = programs::suites(&["--package", "batchintory", "--lib"], |_| true)?;
    let programs = ["--workspace", "--test", "hosts", "--test", "seeds"];
    suites.extend(programs::suites(&programs, is_wanted)?);
    for suite in &mut suites {
        suite.command.env("BATCHINTORY_TEST_SEEDS", QUICK_SEEDS);
    }
    Ok(suites)
}

/// What may differ between versions of PostgreSQL.
pub fn on_postgres() -> Result<Vec<Suite>> {
    let is_wanted = |test: &str| {
        let is_on_host = ["native_core_on_", "component_on_", "http_service_on_"]
            .into_iter()
            .any(|host| test.contains(host));
        let is_on_postgres = is_on_host && test.ends_with("_on_postgresql");
        match test.split_once("::") {
            Some(("scenarios" | "conditions", _)) => is_on_postgres,
            Some(("settling", _)) => !test.contains("sqlite") && !test.contains("mysql"),
            _ => false,
        }
    };
    programs::suites(&["--workspace", "--test", "hosts"], is_wanted)
}
