//! The test programs that cargo builds, and the suites in them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::suite::{Format, Suite};
use crate::{step, workspace};

/// Packages, or suites, whose tests run what is built for other languages and hosts, or read what is elsewhere: what
/// they look into.
const OUTSIDE: [(&str, &[&str]); 8] = [
    (
        "tests operations",
        &[
            "ARCHITECTURE.md",
            "host-adapters/cli/src",
            "host-adapters/http/src",
            "src",
            "wit",
        ],
    ),
    (
        "tests",
        &[
            "host-adapters/javascript",
            "host-adapters/python",
            "target/component",
        ],
    ),
    (
        "host-adapters/cli",
        &[
            "host-adapters/javascript",
            "host-adapters/python",
            "tests/api",
        ],
    ),
    (
        "tests/documentation",
        &[
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "README.md",
            "SECURITY.md",
            "docs",
            "host-adapters",
            "spin.toml",
            "src/sql/schema",
            "target/debug/batchintory",
            "tests/simulator/README.md",
            "wit",
        ],
    ),
    (
        "tests/spin",
        &["tests/scenarios", "target/component", "spin.toml"],
    ),
    ("host-adapters/wasmtime", &["target/component"]),
    ("tests/packages", &["target/packages"]),
    // Wherever a version is written.
    (
        "xtask",
        &[
            "Cargo.toml",
            "docs",
            "host-adapters",
            "spin.toml",
            "tests",
            "wit",
        ],
    ),
];

/// A test program.
struct Program {
    executable: PathBuf,
    /// The folder of its package, where it runs.
    package: PathBuf,
    /// Whether its modules are suites of their own, as in integration tests.
    is_integration: bool,
}

/// Builds the test programs that cargo's options choose, and gives the suites of tests that are `wanted`,
/// by their names.
pub fn suites(options: &[&str], wanted: impl Fn(&str) -> bool) -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for program in build(options)? {
        let mut tests = program.tests()?;
        tests.retain(|test| wanted(test));
        if program.is_integration {
            for module in modules(&tests) {
                let of_module = |test: &&String| module_of(test) == module;
                let tests = tests.iter().filter(of_module).cloned().collect();
                suites.push(program.suite(&module, tests));
            }
        } else if !tests.is_empty() {
            suites.push(program.suite("", tests));
        }
    }
    Ok(suites)
}

/// The tests in the documentation of all crates.
pub fn documentation() -> Suite {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--doc"]);
    Suite {
        name: "documentation".into(),
        host: "examples".into(),
        command,
        format: Format::Libtest,
        inputs: Vec::new(),
    }
}

fn build(options: &[&str]) -> Result<Vec<Program>> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["test", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .args(options)
        .stdout(Stdio::piped());
    step::announce("building the tests");
    let child = cargo.spawn().context("cannot start cargo")?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "the tests cannot be built: see above"
    );
    let mut programs: Vec<Program> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| program(&serde_json::from_str(line).ok()?))
        .collect();
    programs.sort_by(|one, other| {
        (one.is_integration, &one.package).cmp(&(other.is_integration, &other.package))
    });
    Ok(programs)
}

/// What a message of cargo tells of a test program.
fn program(message: &Value) -> Option<Program> {
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    let executable = message.get("executable")?.as_str()?;
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    let kind = message.pointer("/target/kind/0")?.as_str()?;
    is_test.then(|| {
        Some(Program {
            executable: executable.into(),
            package: manifest.parent()?.to_owned(),
            is_integration: kind == "test",
        })
    })?
}

impl Program {
    /// The names of its tests.
    fn tests(&self) -> Result<Vec<String>> {
        let listed = step::output(self.command().args(["--list", "--format", "terse"]))?;
        let name = |line: &str| line.strip_suffix(": test").map(str::to_owned);
        Ok(listed.lines().filter_map(name).collect())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package);
        command
    }

    fn suite(&self, module: &str, tests: Vec<String>) -> Suite {
        let package = workspace::shown(&self.package);
        let mut command = self.command();
        command.arg("--exact").args(tests);
        let part = if module.is_empty() { "unit" } else { module };
        let name = format!(
            "{} {part}",
            if package.is_empty() { "src" } else { &package }
        );
        let outside: Vec<PathBuf> = (OUTSIDE.iter())
            .filter(|(of, _)| package == *of || name == *of)
            .flat_map(|(_, folders)| folders.iter().map(|folder| workspace::root().join(folder)))
            .collect();
        let own = [self.executable.clone(), self.package.clone()];
        Suite {
            name,
            host: host(&package).into(),
            command,
            format: Format::Libtest,
            inputs: own.into_iter().chain(outside).collect(),
        }
    }
}

/// What runs the planner in a package's tests, unless they tell themselves.
fn host(package: &str) -> &'static str {
    match package {
        "" | "tests/fuzzing" | "tests/simulator" | "host-adapters/http" => "native core",
        "host-adapters/cli" | "tests/documentation" => "command line",
        "tests/spin" => "Spin's interfaces",
        "tests" | "host-adapters/wasmtime" | "host-adapters/server" => "component",
        _ => "",
    }
}

/// The modules at the top, each once.
fn modules(tests: &[String]) -> Vec<String> {
    let mut modules: Vec<String> = tests.iter().map(|test| module_of(test)).collect();
    modules.sort();
    modules.dedup();
    modules
}

/// The module at the top that a test is in; `tests` for one in none.
fn module_of(test: &str) -> String {
    test.split_once("::")
        .map_or("tests", |(module, _)| module)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_of_cargo_tell_of_test_programs_only() -> Result<()> {
        let message = |test: bool, executable: Value| {
            json!({
                "reason": "compiler-artifact",
                "manifest_path": "/checkout/host-adapters/http/Cargo.toml",
                "target": { "kind": ["test"], "name": "integration" },
                "profile": { "test": test },
                "executable": executable,
            })
        };
        let found = program(&message(
            true,
            json!("/checkout/target/debug/deps/integration-1"),
        ))
        .context("a test program")?;
        assert!(found.is_integration);
        assert_eq!(found.package, Path::new("/checkout/host-adapters/http"));
        assert!(program(&message(false, json!("/checkout/target/debug/batchintory"))).is_none());
        assert!(program(&message(true, Value::Null)).is_none());
        assert!(program(&json!({ "reason": "build-finished" })).is_none());
        Ok(())
    }

    #[test]
    fn each_module_at_the_top_is_one_suite() {
        let tests = ["faults::one", "api::two::deep", "faults::three", "alone"].map(str::to_owned);
        assert_eq!(modules(&tests), ["api", "faults", "tests"]);
    }
}
