//! What the dashboard knows of a job. However large the inventory and the meta table are, it costs a
//! few statements with a few thousand rows.

use std::collections::BTreeSet;

use batchintory::{
    AcquireRequest, Attempt, Error, HistoryQuery, JobProgress, JobSummary, Queue, at_once,
};

use super::band::{Band, Piece, State};
use crate::inventory::Inventory;

/// How many of the latest attempts the page of a job looks at one by one.
pub(crate) const LATEST: u32 = 1_000;

/// How many of each job the page with all jobs looks at: each job is one of many.
pub(crate) const LATEST_OF_MANY: u32 = 200;

/// How many attempts are shown with their logs, which may have 1 MiB each.
pub(crate) const WITH_LOGS: u32 = 10;

/// Up to how many items what is left is counted.
const LEFT: u64 = 10_000;

/// What is known of a job.
pub(crate) struct Survey {
    /// Its ids.
    pub(crate) band: Band,
    /// Its latest attempts, latest first.
    pub(crate) attempts: Vec<Attempt>,
    /// The attempts that run, latest first.
    pub(crate) running: Vec<Attempt>,
    /// What is left to do, or why that is not known.
    pub(crate) left: Result<JobProgress, String>,
    /// The first id that is not ready, or why that is not known.
    pub(crate) held: Result<Option<i64>, String>,
}

impl Survey {
    /// Looks at a job, by so many of its latest attempts.
    pub(crate) fn of(
        job: &JobSummary,
        latest: u32,
        inventory: &impl Inventory,
    ) -> Result<Self, Error> {
        let list = |queue, limit| {
            at_once(inventory.history(HistoryQuery {
                limit,
                ..attempts_of(job, queue)
            }))
        };
        let attempts = list(None, latest)?;
        let has_all = attempts.len() < latest as usize;
        let mut queued = Vec::new();
        if !has_all {
            // What runs or waits may be older than the latest attempts.
            for (queue, number) in [
                (Queue::Running, job.running),
                (Queue::Retry, job.waiting),
                (Queue::Requeued, job.waiting),
                (Queue::Exhausted, job.exhausted),
            ] {
                if number > 0 {
                    queued.extend(list(Some(queue), LATEST)?);
                }
            }
        }
        let is_running = |attempt: &&Attempt| attempt.queue == Some(Queue::Running);
        let running = if has_all { &attempts } else { &queued };
        let running = running.iter().filter(is_running).cloned().collect();
        let left = left(job, inventory);
        let held = held(job, inventory);

        let mut pieces = ranges(attempts.iter().chain(&queued));
        if !has_all {
            pieces.extend(earlier(job, &attempts, &pieces));
        }
        let last_id = left.as_ref().ok().and_then(|left| left.last_id);
        pieces.extend(ahead(job, last_id, held.as_ref().ok().copied().flatten()));
        let first = pieces.iter().map(|piece| piece.id_start).min();
        let last = pieces.iter().map(|piece| piece.id_end).max();
        Ok(Self {
            band: Band::lay_out(
                first.unwrap_or(job.watermark),
                last.unwrap_or(job.watermark),
                pieces,
            ),
            attempts,
            running,
            left,
            held,
        })
    }
}

/// Attempts of a job, without results and logs.
pub(crate) fn attempts_of(job: &JobSummary, queue: Option<Queue>) -> HistoryQuery {
    HistoryQuery {
        meta_table: Some(job.meta_table.clone()),
        job: Some(job.job.clone()),
        queue,
        details: false,
        ..HistoryQuery::default()
    }
}

/// The latest attempt at each range, of attempts of which the latest come first. A range is known by
/// its end: rows that came late may have moved its start.
pub(crate) fn latest<'a>(
    attempts: impl Iterator<Item = &'a Attempt>,
) -> impl Iterator<Item = &'a Attempt> {
    let mut seen = BTreeSet::new();
    attempts.filter(move |attempt| seen.insert(attempt.id_end))
}

/// What has become of a range, by its latest attempt.
pub(crate) fn state(queue: Option<Queue>) -> State {
    match queue {
        None => State::Succeeded,
        Some(Queue::Running) => State::Running,
        Some(Queue::Retry) => State::Failed,
        Some(Queue::Requeued) => State::Requeued,
        Some(Queue::Exhausted) => State::Exhausted,
    }
}

fn ranges<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Vec<Piece> {
    latest(attempts)
        .map(|attempt| Piece {
            state: state(attempt.queue),
            id_start: attempt.id_start,
            id_end: attempt.id_end,
        })
        .collect()
}

/// The ranges before those of the latest attempts, as one piece.
///
/// New ranges follow each other, so only what lies before the oldest of them is not known one by one.
/// Where the job begins is not known either: the earlier ranges are taken to be as long as those that
/// are known.
fn earlier(job: &JobSummary, attempts: &[Attempt], known: &[Piece]) -> Option<Piece> {
    let new = || attempts.iter().filter(|attempt| attempt.attempt == 1);
    let known_from = new().map(|attempt| attempt.id_start).min();
    let id_end = known_from.unwrap_or(job.watermark).saturating_sub(1);
    let number = i128::try_from(new().count()).unwrap_or(0);
    let all = [job.succeeded, job.running, job.waiting, job.exhausted];
    let before = (all.into_iter().map(i128::from).sum::<i128>() - number).max(0);
    let span = i128::from(job.watermark) - i128::from(id_end);
    let start = i128::from(id_end) - span * before / number.max(1);
    // Databases count ids from 1.
    let lowest = (job.request.as_ref())
        .and_then(|request| request.id_min)
        .unwrap_or(if id_end > 0 { 1 } else { i64::MIN });
    let earliest = known.iter().map(|piece| piece.id_start).min();
    let id_start = i64::try_from(start)
        .unwrap_or(i64::MIN)
        .max(lowest)
        .min(earliest.unwrap_or(id_end));
    (id_start <= id_end).then_some(Piece {
        state: State::Earlier,
        id_start,
        id_end,
    })
}

/// What is not handed out yet.
fn ahead(job: &JobSummary, last_id: Option<i64>, held: Option<i64>) -> Vec<Piece> {
    let Some(last_id) = last_id.into_iter().chain(held).max() else {
        return Vec::new();
    };
    let lowest = (job.request.as_ref()).and_then(|request| request.id_min);
    let next = job.watermark.saturating_add(1);
    let next = next.max(lowest.unwrap_or(next));
    let piece = |state, id_start, id_end| Piece {
        state,
        id_start,
        id_end,
    };
    match held {
        None => vec![piece(State::ToDo, next, last_id)],
        // The pieces whose end lies before their start are left out by the band.
        Some(held) => vec![
            piece(State::ToDo, next, held.saturating_sub(1)),
            piece(State::Held, held.max(next), last_id),
        ],
    }
}

/// The request of a job's latest batch.
fn request(job: &JobSummary) -> Result<AcquireRequest, String> {
    (job.request.clone())
        .ok_or_else(|| "the request of its latest batch is not understood".to_owned())
}

fn left(job: &JobSummary, inventory: &impl Inventory) -> Result<JobProgress, String> {
    (at_once(inventory.progress(request(job)?, LEFT))).map_err(|error| error.message().to_owned())
}

/// The first id that is not ready. It is looked for as far as the items left are counted, at most.
fn held(job: &JobSummary, inventory: &impl Inventory) -> Result<Option<i64>, String> {
    let request = match request(job) {
        Ok(request) if request.hold.is_some() || request.source_job.is_some() => request,
        // What there is to say is said of the items left.
        Ok(_) | Err(_) => return Ok(None),
    };
    let all = AcquireRequest {
        max_count: Some(LEFT),
        max_weight: None,
        ..request
    };
    // The first batch holds all that is ready; only the second comes to what is not.
    match at_once(inventory.plan(all, None, 2)) {
        Ok(plan) => Ok(plan.held),
        Err(error) => Err(error.message().to_owned()),
    }
}
