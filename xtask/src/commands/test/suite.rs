//! One suite: a program that runs tests, and what it says in the end.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use wait4::Wait4;

use super::stamp::Stamp;
use crate::processor::Taken;
use crate::workspace;

/// A program that runs tests.
pub struct Suite {
    /// What it tests.
    pub name: String,
    /// What runs the planner.
    pub host: String,
    pub command: Command,
    pub format: Format,
    /// Files and folders that its outcome depends on. With none it is run every time.
    pub inputs: Vec<PathBuf>,
}

/// How a program says how many tests passed.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// Rust's own.
    Libtest,
    Pytest,
    /// Node.js.
    NodeTest,
}

/// How it went.
pub struct Outcome {
    pub name: String,
    pub host: String,
    /// What the tests said of themselves.
    pub report: Vec<Reported>,
    pub passed: usize,
    pub failed: usize,
    /// The names of tests that failed, where the program tells them.
    pub failures: Vec<String>,
    pub verdict: Verdict,
    pub taken: Taken,
    /// All that it printed.
    pub log: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    /// It passed before, and nothing that it depends on has changed.
    Unchanged,
}

/// A line of the file in which tests say what they ran: see `batchintory_tests::report`.
#[derive(Debug, Clone, PartialEq)]
pub enum Reported {
    /// A database was used.
    Database(String),
    /// All scenarios ran on a host and a database.
    Scenarios {
        host: String,
        database: String,
        count: usize,
        seconds: f64,
    },
}

/// The variable that names this file.
const REPORT: &str = "BATCHINTORY_TEST_REPORT";

impl Suite {
    /// Runs it, unless it passed before on the very same inputs.
    pub fn run(mut self, again: bool) -> Result<Outcome> {
        let folder = workspace::target("tests");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", workspace::shown(&folder)))?;
        let file = self.name.replace(['/', ' '], "-");
        let log = folder.join(&file).with_extension("log");
        let report = folder.join(&file).with_extension("report");
        let stamp = Stamp::new(folder.join(&file).with_extension("passed"), &self.inputs)?;
        if !again && stamp.is_current() {
            return Ok(self.outcome(&log, &report, Verdict::Unchanged, Taken::default()));
        }
        let _ = fs::remove_file(&report);
        let output = File::create(&log)
            .with_context(|| format!("cannot write {}", workspace::shown(&log)))?;
        let start = Instant::now();
        let ended = self
            .command
            .env(REPORT, &report)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {}", self.name))?
            .wait4()
            .with_context(|| format!("cannot wait for {}", self.name))?;
        let taken = Taken {
            wall: start.elapsed(),
            processor: ended.rusage.utime + ended.rusage.stime,
        };
        let outcome = self.outcome(&log, &report, Verdict::Passed, taken);
        // One that says nothing of its tests has not run them.
        if ended.status.success() && outcome.failed == 0 && outcome.passed > 0 {
            stamp.write()?;
            return Ok(outcome);
        }
        Ok(Outcome {
            verdict: Verdict::Failed,
            ..outcome
        })
    }

    fn outcome(
        self,
        log: &std::path::Path,
        report: &std::path::Path,
        verdict: Verdict,
        taken: Taken,
    ) -> Outcome {
        let text = fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let (passed, failed) = self.format.count(&text);
        Outcome {
            failures: self.format.failures(&text),
            name: self.name,
            host: self.host,
            report: fs::read_to_string(report)
                .unwrap_or_default()
                .lines()
                .filter_map(Reported::parse)
                .collect(),
            passed,
            failed,
            verdict,
            taken,
            log: log.to_owned(),
        }
    }
}

impl Format {
    /// How many tests passed, how many failed.
    fn count(self, output: &str) -> (usize, usize) {
        let sum = |counts: &dyn Fn(&str) -> Option<(usize, usize)>| {
            output
                .lines()
                .filter_map(counts)
                .fold((0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1))
        };
        match self {
            Self::Libtest => sum(&|line| {
                let counts = line.strip_prefix("test result: ")?;
                Some((before(counts, " passed")?, before(counts, " failed")?))
            }),
            Self::Pytest => sum(&|line| {
                let (counts, time) = line.split_once(" in ")?;
                let is_summary = time.starts_with(|first: char| first.is_ascii_digit());
                let count = |word| before(counts, word).unwrap_or(0);
                is_summary.then(|| (count(" passed"), count(" failed") + count(" error")))
            }),
            Self::NodeTest => {
                let count = |name: &str| {
                    (output.lines())
                        .filter_map(|line| {
                            let line = line.trim_start_matches(['#', 'ℹ', ' ']);
                            line.strip_prefix(name)?.trim().parse::<usize>().ok()
                        })
                        .sum()
                };
                (count("pass "), count("fail "))
            }
        }
    }

    /// The names of the tests that failed.
    fn failures(self, output: &str) -> Vec<String> {
        let name = |line: &str| {
            match self {
                Self::Libtest => line.strip_prefix("test ")?.strip_suffix(" ... FAILED"),
                Self::Pytest => line.strip_prefix("FAILED "),
                Self::NodeTest => line.trim_start().strip_prefix("✖ "),
            }
            .map(str::to_owned)
        };
        let mut names: Vec<String> = output.lines().filter_map(name).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The number that stands before a word.
fn before(line: &str, word: &str) -> Option<usize> {
    let (front, _) = line.split_once(word)?;
    front.rsplit([' ', '=']).next()?.parse().ok()
}

impl Reported {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        match fields.next()? {
            "database" => Some(Self::Database(fields.next()?.to_owned())),
            "scenarios" => Some(Self::Scenarios {
                host: fields.next()?.to_owned(),
                database: fields.next()?.to_owned(),
                count: fields.next()?.parse().ok()?,
                seconds: fields.next()?.parse().ok()?,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_in_every_format() {
        let of_rust = "test a ... ok\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert_eq!(Format::Libtest.count(of_rust), (15, 2));
        assert_eq!(
            Format::Pytest.count("107 passed, 1 skipped in 42.10s"),
            (107, 0)
        );
        assert_eq!(
            Format::Pytest.count("1 failed, 106 passed in 72.10s (0:01:12)"),
            (106, 1)
        );
        assert_eq!(
            Format::NodeTest.count("ℹ tests 57\nℹ pass 56\nℹ fail 1\n"),
            (56, 1)
        );
        for format in [Format::Libtest, Format::Pytest, Format::NodeTest] {
            assert_eq!(format.count("no test at all"), (0, 0), "{format:?}");
        }
    }

    #[test]
    fn failures_are_named() {
        let output = "test faults::one ... ok\ntest faults::two ... FAILED";
        assert_eq!(Format::Libtest.failures(output), ["faults::two"]);
        let output = "FAILED tests/test_batch.py::test_one - assert 1 == 2";
        assert_eq!(
            Format::Pytest.failures(output),
            ["tests/test_batch.py::test_one - assert 1 == 2"]
        );
    }

    #[test]
    fn tests_report_databases_and_scenarios() {
        assert_eq!(
            Reported::parse("scenarios\tcomponent\tSQLite\t37\t1.5"),
            Some(Reported::Scenarios {
                host: "component".into(),
                database: "SQLite".into(),
                count: 37,
                seconds: 1.5,
            })
        );
        assert_eq!(
            Reported::parse("database\tSQLite"),
            Some(Reported::Database("SQLite".into()))
        );
        assert_eq!(Reported::parse("nonsense"), None);
    }
}
