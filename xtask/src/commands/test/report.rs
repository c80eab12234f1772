//! What was run, as a table.

use std::collections::BTreeSet;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use super::suite::{Outcome, Reported, Verdict};
use crate::processor::Taken;

/// A step before the tests, such as a build.
pub struct Step {
    pub name: &'static str,
    pub taken: Taken,
}

/// A row for each suite, and one for each host and database that it ran all scenarios on; with `timings`
/// also the processor time of each, and what came before the tests.
pub fn table(steps: &[Step], outcomes: &[Outcome], timings: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["SUITE", "HOST", "DATABASE", "TESTS", "SECONDS"];
    if timings {
        header.push("PROCESSOR");
    }
    table.set_header(header);
    let mut add = |mut row: Vec<String>, processor: Option<Duration>| {
        if timings {
            row.push(processor.map(seconds).unwrap_or_default());
        }
        table.add_row(row);
    };
    if timings {
        for step in steps {
            let wall = seconds(step.taken.wall);
            let row = [step.name, "", "", "", &wall].map(str::to_owned);
            add(row.into(), Some(step.taken.processor));
        }
    }
    for outcome in outcomes {
        add(of_suite(outcome), Some(outcome.taken.processor));
        for report in &outcome.report {
            if let Reported::Scenarios {
                host,
                database,
                count,
                seconds,
            } = report
            {
                let seconds = format!("{seconds:.1}");
                let row = [
                    "  all scenarios",
                    host,
                    database,
                    &count.to_string(),
                    &seconds,
                ];
                add(row.map(str::to_owned).into(), None);
            }
        }
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn of_suite(outcome: &Outcome) -> Vec<String> {
    let databases: BTreeSet<&str> = (outcome.report.iter())
        .filter_map(|report| match report {
            Reported::Database(system) => Some(system.as_str()),
            Reported::Scenarios { .. } => None,
        })
        .collect();
    let databases = Vec::from_iter(databases).join(", ");
    let tests = match outcome.failed {
        0 => outcome.passed.to_string(),
        failed => format!("{} ({failed} failed)", outcome.passed),
    };
    let seconds = match outcome.verdict {
        Verdict::Unchanged => "unchanged".into(),
        Verdict::Passed => seconds(outcome.taken.wall),
        Verdict::Failed => format!("FAILED {}", seconds(outcome.taken.wall)),
    };
    vec![
        outcome.name.clone(),
        outcome.host.clone(),
        databases,
        tests,
        seconds,
    ]
}

/// Seconds, with one digit behind the point.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}
