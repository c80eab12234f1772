//! The sums that are carried along the chain, beside a count of all rows.

use std::collections::BTreeMap;

use anyhow::Result;
use batchintory::JobSummary;
use rusqlite::Connection;

/// What the rows of a job count, and what they keep.
#[derive(Debug)]
struct Attempt {
    after: i64,
    count: i64,
    weight: f64,
    status: String,
    queue: Option<String>,
    start: String,
    /// How many ranges and items, and how much weight, up to and with its range.
    through: (i64, i64, f64),
    /// By how much it differs from the attempt before it.
    recounted: Option<(i64, f64)>,
}

/// Each row keeps what the first attempts at its range and at those before it count, and how it differs from the
/// attempt before it. What was told of the job is what all its rows say.
pub(crate) fn check(
    connection: &Connection,
    job: &str,
    summary: Option<&JobSummary>,
    wrong: &mut Vec<String>,
) -> Result<()> {
    let mut ranges: BTreeMap<i64, Vec<Attempt>> = BTreeMap::new();
    for attempt in read(connection, job)? {
        ranges.entry(attempt.after).or_default().push(attempt);
    }
    let mut through = (0, 0, 0.0);
    for attempts in ranges.values() {
        let Some(first) = attempts.first() else {
            continue;
        };
        through.0 += 1;
        through.1 += first.count;
        through.2 += first.weight;
        let mut before = (first.count, first.weight);
        for attempt in attempts {
            let differs = (attempt.count - before.0, attempt.weight - before.1);
            let recounted = (differs != (0, 0.0)).then_some(differs);
            if attempt.through != through || attempt.recounted != recounted {
                wrong.push(format!(
                    "sums: {attempt:?} of {job} should keep {through:?} and {recounted:?}"
                ));
            }
            before = (attempt.count, attempt.weight);
        }
    }
    let expected = (!ranges.is_empty()).then(|| counted(&ranges));
    if expected != summary.map(told) {
        wrong.push(format!(
            "sums: {job} was told as {:?}, not {expected:?}: {ranges:?}",
            summary.map(told)
        ));
    }
    Ok(())
}

/// Ranges that run, succeeded, wait and are exhausted, attempts that failed, items, weight, the latest start.
type Told = ([u64; 5], u64, f64, String);

fn told(summary: &JobSummary) -> Told {
    (
        [
            summary.running,
            summary.succeeded,
            summary.waiting,
            summary.exhausted,
            summary.failed,
        ],
        summary.items,
        summary.weight,
        summary.latest_start.clone(),
    )
}

fn counted(ranges: &BTreeMap<i64, Vec<Attempt>>) -> Told {
    let mut told: Told = ([0; 5], 0, 0.0, String::new());
    let [running, succeeded, waiting, exhausted, failed] = &mut told.0;
    let last_range = ranges.keys().next_back();
    for (after, attempts) in ranges {
        let failures = (attempts.iter()).filter(|attempt| attempt.status == "failed");
        *failed += failures.count() as u64;
        let Some(latest) = attempts.last() else {
            continue;
        };
        match latest.queue.as_deref() {
            Some("running") => *running += 1,
            Some("exhausted") => *exhausted += 1,
            Some(_) => *waiting += 1,
            None => {
                *succeeded += 1;
                told.1 += latest.count.unsigned_abs();
                told.2 += latest.weight;
            }
        }
        if (latest.queue.is_some() || last_range == Some(after)) && latest.start > told.3 {
            told.3.clone_from(&latest.start);
        }
    }
    told
}

fn read(connection: &Connection, job: &str) -> Result<Vec<Attempt>> {
    let mut statement = connection.prepare_cached(
        "SELECT batch_id_after, batch_count, coalesce(batch_weight, 0.0), status, queue,
             strftime('%Y-%m-%dT%H:%M:%fZ', processing_start), ranges_through, items_through, weight_through,
             items_recounted, weight_recounted
         FROM inventory WHERE job = ? ORDER BY batch_id_after, attempt",
    )?;
    let attempts = statement.query_map([job], |row| {
        let items: Option<i64> = row.get(9)?;
        let weight: Option<f64> = row.get(10)?;
        Ok(Attempt {
            after: row.get(0)?,
            count: row.get(1)?,
            weight: row.get(2)?,
            status: row.get(3)?,
            queue: row.get(4)?,
            start: row.get(5)?,
            through: (row.get(6)?, row.get(7)?, row.get(8)?),
            recounted: items.zip(weight),
        })
    })?;
    Ok(attempts.collect::<rusqlite::Result<_>>()?)
}
