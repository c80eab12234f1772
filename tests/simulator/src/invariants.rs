//! What must hold of the database, told by its rows alone.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use batchintory::{AcquireRequest, OnChange};
use rusqlite::Connection;

use crate::sums;
use crate::work::Told;

/// A row of the inventory.
#[derive(Debug, Clone)]
struct Attempt {
    id: i64,
    after: i64,
    start: i64,
    end: i64,
    weight: f64,
    count: i64,
    attempt: i64,
    status: String,
    token: String,
    ended: Option<String>,
    lease: Option<String>,
    queue: Option<String>,
    log: Option<String>,
    config: AcquireRequest,
    /// When ages were judged, in seconds.
    judged_at: Option<i64>,
}

/// A row of the meta table.
struct Row {
    uid: i64,
    weight: f64,
    /// It was there from the beginning, and has not changed.
    is_steady: bool,
    /// It was there from the beginning, and has never been ready.
    is_held: bool,
    /// When it was modified, in seconds.
    modified: i64,
    /// It was old enough for everything from the beginning.
    is_old: bool,
}

/// Rows whose weight is below this do not pass the filter of those jobs that have one.
pub(crate) const LEAST_WEIGHT: f64 = 3.0;
/// From this age on, in seconds, rows are ready, or pass the filter, of those jobs that ask for it.
pub(crate) const READY_AGE: i64 = 20;

/// What is wrong, if anything.
pub(crate) fn check(
    connection: &Connection,
    jobs: &[AcquireRequest],
    told: &Told,
    is_healed: bool,
) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let rows = read_rows(connection)?;
    let mut by_token = HashMap::new();
    for job in jobs {
        let attempts = read_attempts(connection, &job.job)?;
        let sources = match &job.source_job {
            Some(source_job) => read_attempts(connection, source_job)?,
            None => Vec::new(),
        };
        for attempt in &attempts {
            if let Some(other) = by_token.insert(attempt.token.clone(), attempt.clone()) {
                wrong.push(format!("token: {other:?} and {attempt:?} share one"));
            }
        }
        let summary = told.jobs.iter().find(|told| told.job == job.job);
        sums::check(connection, &job.job, summary, &mut wrong)?;
        check_job(job, &attempts, &sources, &rows, told, is_healed, &mut wrong);
    }
    check_told(told, &by_token, &mut wrong);
    check_items(told, &by_token, &rows, &mut wrong);
    Ok(wrong)
}

fn check_job(
    job: &AcquireRequest,
    attempts: &[Attempt],
    sources: &[Attempt],
    rows: &[Row],
    told: &Told,
    is_healed: bool,
    wrong: &mut Vec<String>,
) {
    let mut links: BTreeMap<i64, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        links.entry(attempt.after).or_default().push(attempt);
        check_attempt(attempt, wrong);
    }
    // One chain: each range follows the one before it, and all attempts at it reach as far.
    let mut watermark = i64::MIN;
    for (after, link) in &links {
        if *after != watermark {
            wrong.push(format!(
                "chain: {:?} does not follow {watermark}",
                link.first()
            ));
        }
        for (attempt, expected) in link.iter().zip(1..) {
            if attempt.attempt != expected {
                wrong.push(format!("attempts: {attempt:?} should be number {expected}"));
            }
        }
        let Some(first) = link.first() else { continue };
        if job.on_change == OnChange::Refuse && json(&first.config.filter) != json(&job.filter) {
            wrong.push(format!("configuration: it has changed: {first:?}"));
        }
        if link.iter().any(|attempt| attempt.end != first.end) {
            wrong.push(format!("attempts at one range differ: {link:?}"));
        }
        let kept = |attempt: &Attempt| {
            let AcquireRequest {
                columns,
                filter,
                hold,
                ..
            } = attempt.config.clone();
            (columns, filter, hold)
        };
        if link.iter().any(|attempt| kept(attempt) != kept(first)) {
            wrong.push(format!(
                "configuration: another attempt has another one: {link:?}"
            ));
        }
        watermark = first.end;
        let succeeded = link.iter().filter(|attempt| attempt.status == "succeeded");
        if !told.requeued && succeeded.count() > 1 {
            wrong.push(format!("once: a range has succeeded twice: {link:?}"));
        }
        if link
            .iter()
            .any(|attempt| attempt.judged_at != first.judged_at)
        {
            wrong.push(format!("ages are judged at other times: {link:?}"));
        }
        check_released(link, told, wrong);
        let (earlier, latest) = link.split_at(link.len().saturating_sub(1));
        if earlier.iter().any(|attempt| attempt.status == "running") {
            wrong.push(format!(
                "fence: an attempt that was followed still runs: {link:?}"
            ));
        }
        if let (true, Some(latest)) = (is_healed, latest.first()) {
            let is_done = latest.status == "succeeded" && latest.queue.is_none();
            let is_exhausted = latest.queue.as_deref() == Some("exhausted");
            let has_no_lease = latest.status == "running" && latest.lease.is_none();
            if !(is_done || is_exhausted || has_no_lease) {
                wrong.push(format!("forgotten: {latest:?}"));
            }
        }
    }
    match &job.source_job {
        Some(_) => check_results(&links, watermark, sources, is_healed, wrong),
        None => check_rows(job, &links, watermark, rows, is_healed, wrong),
    }
}

/// What is released does not count: a range is exhausted by as many other attempts as are allowed, and never has more.
fn check_released(link: &[&Attempt], told: &Told, wrong: &mut Vec<String>) {
    let Some(latest) = link.last() else { return };
    let counted = (link.iter()).filter(|attempt| attempt.log.as_deref() != Some("released"));
    let (counted, allowed) = (counted.count(), latest.config.max_attempts as usize);
    if latest.queue.as_deref() == Some("exhausted") && counted < allowed {
        wrong.push(format!(
            "released: {latest:?} is exhausted by {counted} attempts"
        ));
    }
    if !told.requeued && counted > allowed {
        wrong.push(format!("released: {latest:?} is one of {counted} attempts"));
    }
}

/// Every range of a job on results holds just those attempts at the source job that succeeded, and
/// nothing lies behind it but attempts that one which still runs holds back.
fn check_results(
    links: &BTreeMap<i64, Vec<&Attempt>>,
    watermark: i64,
    sources: &[Attempt],
    is_healed: bool,
    wrong: &mut Vec<String>,
) {
    let succeeded = |source: &&Attempt| source.status == "succeeded";
    for attempt in links.values().flatten() {
        let inside = sources.iter().filter(succeeded);
        let inside = inside.filter(|source| attempt.after < source.id && source.id <= attempt.end);
        if !i64::try_from(inside.count()).is_ok_and(|count| count == attempt.count) {
            wrong.push(format!("results: {attempt:?} of {sources:?}"));
        }
    }
    let first_running = (sources.iter())
        .filter(|source| source.status == "running")
        .map(|source| source.id)
        .min();
    for source in sources.iter().filter(succeeded) {
        let is_held_back = first_running.is_some_and(|running| running < source.id);
        if source.id > watermark && is_healed && !is_held_back {
            wrong.push(format!(
                "liveness: the result {source:?} was never handed out"
            ));
        }
    }
}

/// Every row that belongs to the job lies in a range, or above all of them.
fn check_rows(
    job: &AcquireRequest,
    links: &BTreeMap<i64, Vec<&Attempt>>,
    watermark: i64,
    rows: &[Row],
    is_healed: bool,
    wrong: &mut Vec<String>,
) {
    let is_within = |row: &Row| {
        job.id_min.is_none_or(|id_min| row.uid >= id_min)
            && job.id_max.is_none_or(|id_max| row.uid <= id_max)
    };
    for row in rows.iter().filter(|row| row.is_held && is_within(row)) {
        if job.hold.is_some() && row.uid <= watermark {
            wrong.push(format!("hold: {} of {} was passed over", row.uid, job.job));
        }
    }
    let passes = |request: &AcquireRequest, row: &Row| match &request.filter {
        // It may have been young when it was looked at.
        Some(filter) if asks_for_age(filter) => row.is_old && row.weight >= LEAST_WEIGHT,
        Some(_) => row.weight >= LEAST_WEIGHT,
        None => true,
    };
    for row in (rows.iter()).filter(|row| row.is_steady && is_within(row)) {
        if row.uid > watermark {
            if is_healed && passes(job, row) {
                wrong.push(format!(
                    "liveness: {} of {} was never handed out",
                    row.uid, job.job
                ));
            }
            continue;
        }
        let holder = links.range(..row.uid).next_back();
        let first = holder.and_then(|(_, link)| link.first());
        // A range keeps the filter that it was planned with.
        if !first.is_none_or(|first| passes(&first.config, row)) {
            continue;
        }
        let is_held = holder.is_some_and(|(_, link)| {
            (link.iter()).all(|attempt| (attempt.start..=attempt.end).contains(&row.uid))
        });
        if !is_held {
            wrong.push(format!(
                "gap: {} of {} lies in no range: {holder:?}",
                row.uid, job.job
            ));
        }
    }
}

fn asks_for_age(condition: &str) -> bool {
    condition.contains("than-seconds")
}

/// What a batch gives are the rows that pass its filter, by their age when it was planned.
fn check_items(
    told: &Told,
    by_token: &HashMap<String, Attempt>,
    rows: &[Row],
    wrong: &mut Vec<String>,
) {
    for (token, items) in &told.items {
        let Some(attempt) = by_token.get(token) else {
            continue;
        };
        let passes = |row: &&Row| {
            let Some(filter) = &attempt.config.filter else {
                return true;
            };
            let oldest = attempt.judged_at.map(|at| at - READY_AGE);
            let is_old = oldest.is_some_and(|oldest| row.modified <= oldest);
            row.weight >= LEAST_WEIGHT && (is_old || !asks_for_age(filter))
        };
        let expected: Vec<i64> = (rows.iter())
            .filter(|row| (attempt.start..=attempt.end).contains(&row.uid))
            .filter(passes)
            .map(|row| row.uid)
            .collect();
        if *items != expected {
            wrong.push(format!(
                "items: {attempt:?} gives {items:?}, not {expected:?}"
            ));
        }
    }
}

fn check_attempt(attempt: &Attempt, wrong: &mut Vec<String>) {
    let config = &attempt.config;
    if !(attempt.after < attempt.start && attempt.start <= attempt.end) {
        wrong.push(format!(
            "range: {attempt:?} does not lie behind what it follows"
        ));
    }
    let below = config.id_min.is_some_and(|id_min| attempt.start < id_min);
    let above = config.id_max.is_some_and(|id_max| attempt.end > id_max);
    if below || above {
        wrong.push(format!("bounds: {attempt:?}"));
    }
    // A range that is handed out again keeps its rows, however heavy they have become.
    if attempt.attempt == 1 {
        let heavy =
            config.max_weight.is_some_and(|most| attempt.weight > most) && attempt.count > 1;
        let many = config
            .max_count
            .is_some_and(|most| attempt.count.unsigned_abs() > most);
        if heavy || many {
            wrong.push(format!("limits: {attempt:?}"));
        }
    }
    let was_taken = attempt.log.as_deref() == Some("the lease ran out");
    if was_taken && attempt.ended < attempt.lease {
        wrong.push(format!(
            "lease: {attempt:?} was taken over before its lease was over"
        ));
    }
}

/// What workers were told is what stands in the inventory.
fn check_told(told: &Told, by_token: &HashMap<String, Attempt>, wrong: &mut Vec<String>) {
    for batch in &told.batches {
        let stands = by_token.get(&batch.claim_token).is_some_and(|attempt| {
            attempt.id == batch.id && attempt.start == batch.id_start && attempt.end == batch.id_end
        });
        if !stands {
            wrong.push(format!("answer: {batch:?} is not in the inventory"));
        }
    }
    for (token, id) in &told.own_tokens {
        if by_token.get(token).is_none_or(|attempt| attempt.id != *id) {
            wrong.push(format!("token: {token} gave {id}"));
        }
    }
    for (token, succeeded) in &told.ended {
        let status = if *succeeded { "succeeded" } else { "failed" };
        let stands = (by_token.get(token))
            .is_some_and(|attempt| attempt.status == status && attempt.lease.is_none());
        if !stands {
            wrong.push(format!(
                "end: {token} was confirmed as {status}: {:?}",
                by_token.get(token)
            ));
        }
    }
    for token in &told.superseded {
        let still_runs = (by_token.get(token)).is_some_and(|attempt| attempt.status == "running");
        if still_runs {
            wrong.push(format!("superseded: {token} runs"));
        }
    }
    wrong.extend(
        told.surprises
            .iter()
            .map(|error| format!("surprise: {error}")),
    );
}

fn read_rows(connection: &Connection) -> Result<Vec<Row>> {
    let mut statement =
        connection.prepare_cached(
            "SELECT uid, weight, item, CAST(strftime('%s', modified) AS integer), modified < '2023-12-31 23:00:00'
             FROM files ORDER BY uid",
        )?;
    let rows = statement.query_map([], |row| {
        Ok(Row {
            uid: row.get(0)?,
            weight: row.get::<_, Option<f64>>(1)?.unwrap_or_default(),
            is_steady: row.get::<_, String>(2)? == "steady",
            is_held: row.get::<_, String>(2)? == "held",
            modified: row.get(3)?,
            is_old: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_attempts(connection: &Connection, job: &str) -> Result<Vec<Attempt>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, batch_id_after, batch_id_start, batch_id_end, batch_weight, batch_count, attempt, status,
             claim_token, processing_end, lease_expires, queue, logging, config,
             CAST(strftime('%s', json_extract(config, '$.judged_at')) AS integer)
         FROM inventory WHERE job = ? ORDER BY batch_id_after, attempt, id",
    )?;
    let mut rows = statement.query([job])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(Attempt {
            id: row.get(0)?,
            after: row.get(1)?,
            start: row.get(2)?,
            end: row.get(3)?,
            weight: row.get::<_, Option<f64>>(4)?.unwrap_or_default(),
            count: row.get(5)?,
            attempt: row.get(6)?,
            status: row.get(7)?,
            token: row.get(8)?,
            ended: row.get(9)?,
            lease: row.get(10)?,
            queue: row.get(11)?,
            log: row.get(12)?,
            config: read_config(&row.get::<_, String>(13)?)?,
            judged_at: row.get(14)?,
        });
    }
    Ok(attempts)
}

/// A condition, whatever its spaces.
fn json(condition: &Option<String>) -> Option<serde_json::Value> {
    serde_json::from_str(condition.as_deref()?).ok()
}

/// A request as any version keeps it.
fn read_config(config: &str) -> Result<AcquireRequest> {
    let mut config: serde_json::Value = serde_json::from_str(config).context("config")?;
    if let Some(config) = config.as_object_mut() {
        for name in ["colour", "column_types", "judged_at", "meta_database"] {
            config.remove(name);
        }
    }
    Ok(serde_json::from_value(config)?)
}
