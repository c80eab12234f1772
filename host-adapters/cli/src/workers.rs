//! The workers of a run: each takes one batch after the other.

use std::collections::BTreeSet;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use batchintory_wasmtime::{
    AcquireRequest, Acquired, Batch, Error, Follow, Following, Inventory, Outcome, PlannerError,
    patience,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::command_output::ResultTooLong;
use crate::error::Failure;
use crate::process::{Ended, Kill, Work};
use crate::signals::Signals;
use crate::stderr::tell;
use crate::summary::Summary;

/// How long is waited for the ends of batches whose commands were killed. A database may be silent.
const GRACE: Duration = Duration::from_secs(3);

/// How far a run is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Takes batches.
    Going,
    /// Takes no more batches.
    Stopping,
    /// Kills what still runs.
    Killing,
    /// Waits for nothing.
    Leaving,
}

/// Until when a run takes batches.
pub struct Until {
    /// It has taken so many.
    pub batches: Option<u32>,
    /// One has failed.
    pub is_failure: bool,
    /// Nothing is left; where a run follows its job, it waits instead, at most so long before it asks again.
    pub follows: Option<Duration>,
}

/// What the workers of a run share.
pub struct Run {
    /// Where batches come from.
    pub inventory: Inventory,
    /// What is asked for.
    pub request: AcquireRequest,
    /// What is done with each batch.
    pub work: Work,
    until: Until,
    batches_left: AtomicU32,
    /// Whether it was told that work is waited for, since there was some.
    has_told_of_waiting: AtomicBool,
    stage: watch::Sender<Stage>,
    is_interrupted: AtomicBool,
    /// Whether the databases were reached for a claim.
    has_claimed: AtomicBool,
    summary: Mutex<Summary>,
    /// Batches by their inventory ids that are not ended yet.
    held: Mutex<BTreeSet<i64>>,
}

impl Run {
    /// Takes batches until there is a reason to stop.
    pub fn new(inventory: Inventory, request: AcquireRequest, work: Work, until: Until) -> Self {
        Self {
            inventory,
            request,
            work,
            batches_left: AtomicU32::new(until.batches.unwrap_or(u32::MAX)),
            until,
            has_told_of_waiting: AtomicBool::new(false),
            stage: watch::Sender::new(Stage::Going),
            is_interrupted: AtomicBool::new(false),
            has_claimed: AtomicBool::new(false),
            summary: Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// Lets so many workers take batches, until there is a reason to stop. The error is the first one.
    pub async fn work(self: &Arc<Self>, workers: u16) -> Result<(), Failure> {
        let mut running = JoinSet::new();
        for _ in 0..workers {
            running.spawn(Arc::clone(self).take_batches());
        }
        let mut failure = None;
        while let Some(worker) = running.join_next().await {
            // A panic is a bug of ours; the other workers still end their batches.
            let ended = worker.unwrap_or_else(|error| Err(Failure::other(error)));
            if let Err(error) = ended {
                self.stop();
                failure = failure.or(Some(error));
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// What was done so far.
    pub fn summary(&self) -> Summary {
        Summary {
            interrupted: self.is_interrupted.load(Ordering::Relaxed),
            ..lock(&self.summary).clone()
        }
    }

    /// One worker.
    async fn take_batches(self: Arc<Self>) -> Result<(), Failure> {
        let mut follow =
            (self.until.follows).map(|poll| self.inventory.follow(&self.request).poll(poll));
        let mut next = self.may_take_another();
        while let Some(following) = next {
            let Some(batch) = self.next(follow.as_mut(), following).await? else {
                break;
            };
            self.warn_of_claim(&batch);
            lock(&self.held).insert(batch.id);
            let processed = self.process(&batch).await;
            lock(&self.held).remove(&batch.id);
            let what = match processed {
                Ok((what, following)) => {
                    next = following;
                    what
                }
                Err(error) => {
                    lock(&self.summary).failed += 1;
                    return Err(error);
                }
            };
            self.sum_up(&batch, what);
            next = next.or_else(|| self.may_take_another());
        }
        Ok(())
    }

    fn sum_up(&self, batch: &Batch, what: Processed) {
        let mut summary = lock(&self.summary);
        match what {
            Processed::Succeeded { items } => {
                summary.succeeded += 1;
                summary.items += items;
                summary.weight += batch.weight;
                self.work.screen.progress.inc(items);
            }
            Processed::Released => summary.released += 1,
            Processed::Failed => {
                summary.failed += 1;
                if self.until.is_failure {
                    self.stop();
                }
            }
        }
    }

    /// The next batch, unless there is none, or none that is waited for before the run stops. One that was handed
    /// out already is always given.
    async fn next(
        &self,
        mut follow: Option<&mut Follow>,
        mut following: Following,
    ) -> Result<Option<Batch>, Error> {
        let mut stage = self.stage.subscribe();
        while matches!(following, Following::HandedOut(_)) || *stage.borrow() == Stage::Going {
            let before = std::mem::replace(&mut following, Following::NotAsked);
            let nothing = match self.claim(before).await? {
                Acquired::Batch(batch) => {
                    self.has_told_of_waiting.store(false, Ordering::Relaxed);
                    return Ok(Some(batch));
                }
                Acquired::Nothing(nothing) => nothing,
            };
            let Some(follow) = &mut follow else {
                lock(&self.summary).nothing.get_or_insert(nothing);
                break;
            };
            if !self.has_told_of_waiting.swap(true, Ordering::Relaxed) {
                self.tell("waiting for items");
            }
            tokio::select! {
                () = follow.wait(&nothing) => {}
                // The sender lives as long as the run.
                _ = stage.wait_for(|stage| *stage >= Stage::Stopping) => {}
            }
        }
        Ok(None)
    }

    /// Claims a batch. A run that has had one, and so has reached its databases, waits for them as long as a
    /// lease lasts when they are away.
    async fn claim(&self, following: Following) -> Result<Acquired, Error> {
        let patience = match self.has_claimed.load(Ordering::Relaxed) {
            true => patience(&self.request),
            false => Duration::ZERO,
        };
        let mut stage = self.stage.subscribe();
        let stopped = async move {
            // The sender lives as long as the run.
            let _ = stage.wait_for(|stage| *stage >= Stage::Stopping).await;
        };
        let told = |error: &Error, pause: Duration| {
            let pause = pause.as_secs_f32();
            self.tell(format_args!(
                "warning: no batch can be claimed now, which is tried again in {pause:.1} s: {error}"
            ));
        };
        let claim = (&self.inventory, &self.request);
        let claimed = following
            .or_acquire_within(patience, claim, stopped, told)
            .await?;
        self.has_claimed.store(true, Ordering::Relaxed);
        Ok(claimed)
    }

    /// Runs the command on a batch and ends it: one that has succeeded with the claim of the next, where the run
    /// takes another. That one is counted, whether it was handed out or not.
    async fn process(&self, batch: &Batch) -> Result<(Processed, Option<Following>), Failure> {
        let mut stage = self.stage.subscribe();
        let mut heartbeat = batch.keep_alive();
        let kill = async {
            tokio::select! {
                // The sender lives as long as the run.
                _ = stage.wait_for(|stage| *stage >= Stage::Killing) => Kill::BrokenOff,
                error = heartbeat.lost() => Kill::TakenAway(error),
            }
        };
        let mut items = batch.count;
        let (outcome, failure) = match self.work.run(batch, kill).await {
            Ok(Ended::Exited {
                status,
                result,
                log,
                has_left_some,
            }) => {
                if has_left_some {
                    self.warn(batch, "has left processes behind that hold its output");
                }
                (self.outcome_of(batch, status, result, log), None)
            }
            Ok(Ended::Empty) => {
                items = 0;
                self.tell(format_args!(
                    "{} has no items, since its rows are gone: it has succeeded",
                    shown(batch)
                ));
                let outcome = Outcome {
                    log: Some("no items: the rows of this range are gone".into()),
                    ..Outcome::succeeded(None)
                };
                (outcome, None)
            }
            Ok(Ended::Killed(Kill::TakenAway(error))) => {
                self.warn_of_loss(batch, &error);
                return Ok((Processed::Failed, None));
            }
            Ok(Ended::Killed(Kill::BrokenOff)) => {
                return self.release(batch).await.map(|processed| (processed, None));
            }
            Ok(Ended::Unfed { reason }) => self.give_up(batch, &reason),
            Err(failure) => (Outcome::failed(failure.message()), Some(failure)),
        };
        let next = match outcome.succeeded {
            true => self.may_take_another(),
            false => None,
        };
        let takes_another = next.is_some();
        let (ending, following) = match self.end(batch, &outcome, takes_another).await {
            Err(error) if error.is_loss() => {
                self.warn_of_loss(batch, &error);
                return Ok((Processed::Failed, next));
            }
            ended => ended?,
        };
        let following = takes_another.then_some(following);
        match (failure, ending) {
            (Some(failure), _) => Err(failure),
            (None, Ending::AsItWas) if outcome.succeeded => {
                Ok((Processed::Succeeded { items }, following))
            }
            (None, _) => Ok((Processed::Failed, following)),
        }
    }

    /// What came of a command that has ended by itself.
    fn outcome_of(
        &self,
        batch: &Batch,
        status: ExitStatus,
        result: Result<Option<String>, ResultTooLong>,
        log: String,
    ) -> Outcome {
        let succeeded = status.success();
        if let (true, Err(too_long)) = (succeeded, &result) {
            // It must not be lost to whoever processes results.
            let reason = too_long.to_string();
            self.warn(batch, &reason);
            return Outcome::failed(reason);
        }
        let log = match log.is_empty() {
            true if succeeded => None,
            true => Some(format!("the command ended with {status}")),
            false => Some(log),
        };
        Outcome {
            succeeded,
            result_item: result.ok().flatten(),
            log,
        }
    }

    /// Ends a batch. What the inventory can never keep fails it, for that reason: a result is not
    /// dropped to call a batch succeeded. In a log, which is for people, letters that the database lacks
    /// are replaced. An end that is not taken now is tried again while the lease holds.
    async fn end(
        &self,
        batch: &Batch,
        outcome: &Outcome,
        takes_another: bool,
    ) -> Result<(Ending, Following), Error> {
        let end = async |outcome: &Outcome| {
            let told =
                |error: &Error, pause: Duration| self.tell_of_another_try(batch, error, pause);
            if takes_another {
                return batch.end_and_acquire(outcome, &self.request, told).await;
            }
            batch.end(outcome, told).await?;
            Ok(Following::NotAsked)
        };
        let reason = match end(outcome).await {
            Err(Error::Planner(PlannerError::InvalidRequest(why))) => why.message,
            ended => return ended.map(|following| (Ending::AsItWas, following)),
        };
        if let Some(plain) = with_plain_log(outcome) {
            match end(&plain).await {
                Err(Error::Planner(PlannerError::InvalidRequest(_))) => {}
                ended => return ended.map(|following| (Ending::AsItWas, following)),
            }
        }
        self.warn(batch, &format!("failed: {reason}"));
        let following = end(&Outcome::failed(reason)).await?;
        Ok((Ending::Refused, following))
    }

    /// Gives a batch back whose command was killed since the run is broken off.
    async fn release(&self, batch: &Batch) -> Result<Processed, Failure> {
        match batch.release("the run was broken off").await {
            Err(error) if error.is_loss() => {
                self.warn_of_loss(batch, &error);
                Ok(Processed::Failed)
            }
            released => {
                released?;
                self.tell(format_args!(
                    "{} is released: the run was broken off",
                    shown(batch)
                ));
                Ok(Processed::Released)
            }
        }
    }

    fn tell_of_another_try(&self, batch: &Batch, error: &Error, pause: Duration) {
        let pause = pause.as_secs_f32();
        let what = format!("cannot be ended yet and is tried again in {pause:.1} s: {error}");
        self.warn(batch, &what);
    }

    fn give_up(&self, batch: &Batch, reason: &str) -> (Outcome, Option<Failure>) {
        self.warn(batch, &format!("failed: {reason}"));
        (Outcome::failed(reason), None)
    }

    /// What its claim says besides the batch.
    fn warn_of_claim(&self, batch: &Batch) {
        if batch.over_limit {
            self.warn(
                batch,
                "holds more than is allowed: it was handed out before and keeps its ids, but rows have \
                 come or changed, or the limits were higher",
            );
        }
        if let Some(first) = batch.passed_over_from {
            self.warn(
                batch,
                &format!(
                    "passed the ids from {first} on over for good, up to --id-min: workers that ask \
                     with a lower one miss them"
                ),
            );
        }
    }

    /// Somebody else may have the batch now: whatever was done here does not count.
    fn warn_of_loss(&self, batch: &Batch, error: &Error) {
        self.warn(batch, &format!("is not ours any more: {error}"));
    }

    fn warn(&self, batch: &Batch, what: &str) {
        self.tell(format_args!("warning: {} {what}", shown(batch)));
    }

    fn tell(&self, line: impl std::fmt::Display) {
        self.work.screen.show(|| tell(line));
    }

    /// Whether the run takes another batch, which is counted then and to be asked for.
    fn may_take_another(&self) -> Option<Following> {
        if *self.stage.borrow() != Stage::Going {
            return None;
        }
        let take = |left: u32| match left {
            u32::MAX => Some(u32::MAX),
            left => left.checked_sub(1),
        };
        (self
            .batches_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take))
        .ok()
        .map(|_| Following::NotAsked)
    }

    fn stop(&self) {
        self.advance(Stage::Stopping);
    }

    fn advance(&self, to: Stage) {
        self.stage.send_if_modified(|stage| {
            let before = *stage;
            *stage = before.max(to);
            *stage != before
        });
    }

    /// The first signal lets running commands end, the second one kills them, a third one waits for nothing.
    pub async fn watch(self: Arc<Self>, mut signals: Signals) {
        signals.next().await;
        self.is_interrupted.store(true, Ordering::Relaxed);
        self.advance(Stage::Stopping);
        // A reader that takes its time must not hold up the next signal.
        let run = Arc::clone(&self);
        tokio::task::spawn_blocking(move || {
            run.tell("stopping; running commands come to their end (again: kill them)");
        });
        signals.next().await;
        self.advance(Stage::Killing);
        signals.next().await;
        self.advance(Stage::Leaving);
    }

    /// Waits until the run is broken off and its batches had time to be ended. What still waits then, such
    /// as for a locked table or a silent server, is given up, and what still runs is killed.
    pub async fn broken_off(&self) {
        let mut stage = self.stage.subscribe();
        let _ = stage.wait_for(|stage| *stage >= Stage::Killing).await;
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            _ = stage.wait_for(|stage| *stage >= Stage::Leaving) => {}
        }
        self.work.starter.kill_all();
    }

    /// What becomes of batches that could not be ended, a sentence each.
    pub fn left_behind(&self) -> Vec<String> {
        let then = match self.request.lease_seconds {
            Some(_) => "is handed out again when its lease is over",
            None => "stays running until somebody requeues it: see `batchintory requeue`",
        };
        let mut sentences: Vec<String> = (lock(&self.held).iter())
            .map(|id| format!("warning: batch {id} could not be ended, and {then}"))
            .collect();
        if sentences.is_empty() {
            sentences.push(format!(
                "warning: the databases do not answer; a batch that was asked for, if there is one, {then}"
            ));
        }
        sentences
    }
}

/// What became of the end of a batch.
enum Ending {
    /// It is kept.
    AsItWas,
    /// It can never be kept: the batch failed instead.
    Refused,
}

/// How a batch ended.
enum Processed {
    /// With so many items.
    Succeeded { items: u64 },
    /// It was given back.
    Released,
    /// It failed, or was taken away.
    Failed,
}

/// The same with a log that any database takes, if it has letters that some do not.
fn with_plain_log(outcome: &Outcome) -> Option<Outcome> {
    let log = outcome.log.as_ref().filter(|log| !log.is_ascii())?;
    Some(Outcome {
        log: Some(log.replace(|letter: char| !letter.is_ascii(), "?")),
        ..outcome.clone()
    })
}

fn shown(batch: &Batch) -> String {
    let (id, id_start, id_end) = (batch.id, batch.id_start, batch.id_end);
    format!("batch {id} (ids {id_start} to {id_end})")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
