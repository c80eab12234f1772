//! `cargo xtask test`: all tests, those on servers included.

mod environment;
mod platforms;
mod programs;
mod report;
mod stamp;
mod suite;
mod suites;

use std::ffi::OsString;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clap::{Args, ValueEnum, value_parser};

use crate::processor::Reading;
use crate::{component, postgres, step, workspace};
use environment::Environment;
use platforms::Platform;
use report::Step;
use suite::{Format, Outcome, Suite, Verdict};

/// Runs all tests, on SQLite, PostgreSQL and MariaDB
///
/// Builds the components, starts a throw-away PostgreSQL and a throw-away MariaDB, and runs every test of
/// this checkout, suite by suite: a suite that fails does not keep the others from running, and the end
/// tells of all that failed. Installs the packages for Python and JavaScript in clean environments, for
/// their own tests too. The programs are looked for in the usual places; as root on Debian the packages
/// `postgresql`, `pgbouncer`, `pgpool2`, `mariadb-server`, `chromium`, `nodejs`, `npm` and `default-jre-headless` are
/// installed where they are missing. With BATCHINTORY_TEST_POSTGRES or BATCHINTORY_TEST_MYSQL set, the
/// tests use that server instead, on which they must be allowed to create databases.
///
/// A suite that has passed is not run again before something changes that it depends on.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --quick\n  cargo xtask test --only settling --again\n  cargo xtask test --postgres 12,18\n  cargo xtask test --edge all --only runtimes\n  cargo xtask test --asyncio all --only event_loops\n  cargo xtask test --packages\n  cargo xtask test --platforms airflow,spark\n  cargo xtask test -- -p xtask\n  cargo xtask test -- claims -- --nocapture"
)]
pub struct Test {
    /// Between two edits: the core, its scenarios on SQLite and PostgreSQL, natively and as a component, and
    /// 500 seeds of the simulator
    #[arg(long, conflicts_with = "arguments")]
    quick: bool,
    /// Scenarios, conditions and settling on servers of these versions, from 12 to 18, each of its own
    #[arg(
        long,
        value_name = "VERSION,…",
        value_delimiter = ',',
        value_parser = value_parser!(u8).range(postgres::versions::VERSIONS),
        conflicts_with_all = ["quick", "only", "arguments"]
    )]
    postgres: Vec<u8>,
    /// With `all` the JavaScript package on other runtimes and in bundlers too, a GB of packages
    #[arg(long, value_name = "all", conflicts_with_all = ["quick", "postgres", "arguments"])]
    edge: Option<Edge>,
    /// With `all` the Python package's scenarios through all database modules for event loops
    #[arg(long, value_name = "all", conflicts_with_all = ["quick", "postgres", "arguments"])]
    asyncio: Option<Asyncio>,
    /// Everything as it is published: packed, installed in clean environments, and used there
    #[arg(long, conflicts_with_all = ["quick", "postgres", "edge", "arguments"])]
    packages: bool,
    /// The Python package on these data platforms, each in an environment of its own
    #[arg(
        long,
        value_name = "PLATFORM,…",
        value_delimiter = ',',
        conflicts_with_all = ["quick", "postgres", "edge", "only", "arguments"]
    )]
    platforms: Vec<Platform>,
    /// Only suites with one of these texts in their names
    #[arg(
        long,
        value_name = "TEXT,…",
        value_delimiter = ',',
        conflicts_with = "arguments"
    )]
    only: Vec<String>,
    /// Run suites again that passed and whose inputs have not changed
    #[arg(long)]
    again: bool,
    /// Tell the processor time of each step
    #[arg(long)]
    timings: bool,
    /// Arguments for one `cargo test` instead
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// What of the edge is tested beside workerd, which always is.
#[derive(Clone, Copy, ValueEnum)]
enum Edge {
    /// Everything
    All,
}

/// What is tested of Python's event loops beside asyncpg, which always is.
#[derive(Clone, Copy, ValueEnum)]
enum Asyncio {
    /// Everything
    All,
}

impl Test {
    pub fn run(self) -> Result<()> {
        if !self.arguments.is_empty() {
            return self.run_cargo_test();
        }
        if !self.postgres.is_empty() {
            return self.run_on_versions();
        }
        if self.packages {
            return self.run_on_packages();
        }
        if !self.platforms.is_empty() {
            return self.run_on_platforms();
        }
        let mut steps = Vec::new();
        let environment = if self.quick {
            measured(&mut steps, "planner", component::build_planner)?;
            measured(&mut steps, "environment", Environment::quick)?
        } else {
            measured(&mut steps, "components", component::build)?;
            let environment = || match self.edge {
                Some(Edge::All) => Environment::whole()?.with_runtimes(),
                None => Environment::whole(),
            };
            measured(&mut steps, "environment", environment)?
        };
        let suites = measured(&mut steps, "building the tests", || {
            if self.quick {
                suites::quick()
            } else {
                suites::all(&environment, self.asyncio.is_some())
            }
        })?;
        let asked_for = suites.into_iter().filter(|suite| self.asks_for(suite));
        let start = Instant::now();
        let outcomes = run_in_two_lanes(asked_for, &environment, self.again)?;
        conclude(&steps, &outcomes, start.elapsed(), self.timings)
    }

    fn asks_for(&self, suite: &Suite) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| suite.name.contains(text))
    }

    fn run_on_packages(self) -> Result<()> {
        let mut steps = Vec::new();
        let components = measured(&mut steps, "components", component::build)?;
        let environment = measured(&mut steps, "packing", || {
            Environment::with_packages(&components)
        })?;
        let options = ["--workspace", "--test", "packages"];
        let suites = measured(&mut steps, "building the tests", || {
            programs::suites(&options, |_| true)
        })?;
        let asked_for = suites.into_iter().filter(|suite| self.asks_for(suite));
        let outcomes = run_all(asked_for, &environment, self.again)?;
        conclude(&steps, &outcomes, wall(&outcomes), self.timings)
    }

    fn run_on_versions(self) -> Result<()> {
        let mut steps = Vec::new();
        let mut outcomes = Vec::new();
        measured(&mut steps, "components", component::build)?;
        for version in self.postgres {
            let environment = measured(&mut steps, "environment", || {
                Environment::of_version(version)
            })?;
            let suites = measured(&mut steps, "building the tests", suites::on_postgres)?;
            let suites = suites.into_iter().map(|suite| Suite {
                name: format!("{} on PostgreSQL {version}", suite.name),
                ..suite
            });
            outcomes.extend(run_all(suites, &environment, self.again)?);
        }
        conclude(&steps, &outcomes, wall(&outcomes), self.timings)
    }

    fn run_on_platforms(self) -> Result<()> {
        let mut steps = Vec::new();
        let mut outcomes = Vec::new();
        measured(&mut steps, "components", component::build)?;
        let environment = measured(&mut steps, "environment", Environment::quick)?;
        for platform in Platform::chosen(&self.platforms) {
            let suite = measured(&mut steps, "installing", || platform.suite())?;
            outcomes.extend(run_all([suite], &environment, self.again)?);
        }
        conclude(&steps, &outcomes, wall(&outcomes), self.timings)
    }

    fn run_cargo_test(self) -> Result<()> {
        component::build()?;
        let mut tests = workspace::cargo();
        tests.arg("test");
        if !names_package(&self.arguments) {
            tests.arg("--workspace");
        }
        let environment = Environment::whole()?;
        environment.set(tests.args(&self.arguments));
        step::announce_and_run(&mut tests)
    }
}

fn measured<T>(
    steps: &mut Vec<Step>,
    name: &'static str,
    run: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let before = Reading::now();
    let made = run()?;
    let taken = before.taken();
    steps.push(Step { name, taken });
    Ok(made)
}

/// Runs suites one after the other, those in Python and JavaScript, which mostly wait, beside those in Rust.
fn run_in_two_lanes(
    suites: impl Iterator<Item = Suite>,
    environment: &Environment,
    again: bool,
) -> Result<Vec<Outcome>> {
    let (rust, others): (Vec<_>, Vec<_>) =
        suites.partition(|suite| matches!(suite.format, Format::Libtest));
    thread::scope(|scope| {
        let others = scope.spawn(|| run_all(others, environment, again));
        let mut outcomes = run_all(rust, environment, again)?;
        let others = (others.join()).map_err(|_| anyhow!("a suite's thread has panicked"))?;
        outcomes.extend(others?);
        Ok(outcomes)
    })
}

/// Runs suites one after the other.
fn run_all(
    suites: impl IntoIterator<Item = Suite>,
    environment: &Environment,
    again: bool,
) -> Result<Vec<Outcome>> {
    (suites.into_iter())
        .map(|mut suite| {
            environment.set(&mut suite.command);
            run(suite, again)
        })
        .collect()
}

/// How long suites took that ran one after the other.
fn wall(outcomes: &[Outcome]) -> Duration {
    outcomes.iter().map(|outcome| outcome.taken.wall).sum()
}

fn run(suite: Suite, again: bool) -> Result<Outcome> {
    let name = suite.name.clone();
    step::announce(format_args!("testing {name}"));
    let outcome = suite.run(again)?;
    match outcome.verdict {
        Verdict::Unchanged => eprintln!("    {name}: {} passed before, unchanged", outcome.passed),
        Verdict::Passed => eprintln!(
            "    {name}: {} passed in {} s",
            outcome.passed,
            report::seconds(outcome.taken.wall)
        ),
        Verdict::Failed => {
            let text = fs::read(&outcome.log).unwrap_or_default();
            eprintln!("{}", String::from_utf8_lossy(&text));
            eprintln!("    FAILED: {name}");
        }
    }
    Ok(outcome)
}

/// The table, and all that failed. The suites took so long together, by the clock.
fn conclude(steps: &[Step], outcomes: &[Outcome], suites: Duration, timings: bool) -> Result<()> {
    println!("{}", report::table(steps, outcomes, timings));
    let failed: Vec<&Outcome> = (outcomes.iter())
        .filter(|outcome| outcome.verdict == Verdict::Failed)
        .collect();
    for outcome in &failed {
        println!(
            "\nFAILED {} (see {})",
            outcome.name,
            workspace::shown(&outcome.log)
        );
        for name in &outcome.failures {
            println!("  {name}");
        }
    }
    let sum = |count: fn(&Outcome) -> usize| outcomes.iter().map(count).sum::<usize>();
    let before: Duration = steps.iter().map(|step| step.taken.wall).sum();
    let processor: Duration = (steps.iter().map(|step| step.taken))
        .chain(outcomes.iter().map(|outcome| outcome.taken))
        .map(|taken| taken.processor)
        .sum();
    println!(
        "\n{} s by the clock, {} s of processor time",
        report::seconds(before + suites),
        report::seconds(processor)
    );
    // A program that died has not told of the test that it died in.
    let failed_tests = sum(|outcome| match outcome.verdict {
        Verdict::Failed => outcome.failed.max(1),
        _ => 0,
    });
    println!(
        "{} passed, {failed_tests} failed",
        sum(|outcome| outcome.passed)
    );
    ensure!(!outcomes.is_empty(), "no suite has such a name");
    ensure!(
        failed.is_empty(),
        "{} suites failed: see above",
        failed.len()
    );
    Ok(())
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
