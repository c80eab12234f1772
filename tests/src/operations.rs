//! Every operation of the interface, everywhere; and where one is left out, the reason.

use std::path::Path;

use anyhow::{Context, Result};

/// Where each operation of `wit/inventory.wit` is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The scenarios, each of which may run in any place that has its operations.
    Scenarios,
    /// `tests/fuzzing`.
    Fuzzer,
    /// `tests/simulator`.
    Simulator,
    /// `host-adapters/cli`.
    CommandLine,
    /// The API of `host-adapters/http`.
    Http,
    /// The package for Python.
    Python,
    /// The package for JavaScript.
    JavaScript,
}

/// What is left out: where, which operation, and why.
const LEFT_OUT: [(Place, &str, &str); 8] = [
    (
        Place::Simulator,
        "schema-statements",
        "it asks no database, so nothing can come between",
    ),
    (
        Place::Simulator,
        "notifications",
        "it asks no database, so nothing can come between",
    ),
    (
        Place::Scenarios,
        "items-statement",
        "each subject reads by it what `items` gives, and compares",
    ),
    (Place::CommandLine, "items-statement", "`items` reads by it"),
    (
        Place::CommandLine,
        "batch",
        "who has a token goes on by `items`, `heartbeat` and `complete`, which need nothing else",
    ),
    (
        Place::JavaScript,
        "items-statement",
        "`batch.items()` reads by it, in the thread that has the drivers",
    ),
    (
        Place::Http,
        "items-statement",
        "who has the service alone cannot run a statement",
    ),
    (
        Place::Http,
        "notifications",
        "its statements are run by the owner of the meta table, who has the command line",
    ),
];

impl Place {
    /// Why the operation is not there, where it is left out.
    pub fn leaves_out(self, operation: &str) -> Option<&'static str> {
        (LEFT_OUT.iter())
            .find(|(place, left_out, _)| *place == self && *left_out == operation)
            .map(|(_, _, why)| *why)
    }
}

/// The functions of `wit/inventory.wit`, in its order.
pub fn functions() -> Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/inventory.wit");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let function = |line: &str| Some(line.trim().split_once(": func(")?.0.to_owned());
    Ok(text.lines().filter_map(function).collect())
}
