//! `batchintory run`

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use batchintory_wasmtime::{
    AcquireRequest, Acquired, Batch, Error, Inventory, Outcome, PlannerError,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::advice::{tell_warnings, tell_what_waits};
use crate::error::{Code, Failure};
use crate::output::{print_json, tell};
use crate::process::{Ended, Kill, Work};
use crate::request::{FAILURES, Request};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::summary::Summary;

/// How many items are counted for the progress bar at most.
const MOST_COUNTED: u64 = 1_000_000;

/// How long a batch of a run that died stays its own. Living ones prolong it all the time.
const DEFAULT_LEASE_SECONDS: u32 = 300;

/// Claim batches and run a command on each
///
/// The command gets the items on its standard input, one per line, and BATCHINTORY_BATCH_ID,
/// BATCHINTORY_CLAIM_TOKEN, BATCHINTORY_ATTEMPT, BATCHINTORY_JOB, BATCHINTORY_META_TABLE,
/// BATCHINTORY_ID_START, BATCHINTORY_ID_END, BATCHINTORY_COUNT, BATCHINTORY_WEIGHT and
/// BATCHINTORY_LEASE_SECONDS (if it has a lease) in its environment. A batch succeeds when its command ends with 0. Standard
/// output becomes its result when it is JSON of at most 1 MiB and is passed on otherwise; the last 64 KiB
/// of standard error become its log.
///
/// Takes one batch, unless --batches or --until-done say otherwise. After a batch that failed the run
/// goes on, and ends with 4; the batch is handed out again, to this run or another, up to --max-attempts
/// times. A range that rests (--retry-delay) is not waited for.
///
/// While a command runs, its batch's lease is prolonged (--lease, here by default 5m). When the batch was
/// taken away all the same, the command is killed.
///
/// On Ctrl-C no more batches are taken and running commands come to their end; on a second Ctrl-C they
/// are killed and their batches marked as failed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory run --meta-table files --job lines --max-weight 64MiB --until-done -- xargs wc -l
  batchintory run --meta-table files --job copy --max-count 100 --parallel 4 --until-done -- ./copy")]
pub struct Arguments {
    #[command(flatten)]
    request: Request,
    /// Let a batch run for good, even if this program dies
    #[arg(long, conflicts_with = "lease", help_heading = FAILURES)]
    no_lease: bool,
    /// Go on until nothing is left
    #[arg(long, conflicts_with = "batches", help_heading = "How to run")]
    until_done: bool,
    /// The most batches to take [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..), help_heading = "How to run")]
    batches: Option<u32>,
    /// So many commands at once
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "How to run")]
    parallel: u16,
    /// Take no more batches after one that failed
    #[arg(long, help_heading = "How to run")]
    stop_on_failure: bool,
    /// End each item with a NUL character instead of a line break
    #[arg(short = '0', long, help_heading = "How to run")]
    null: bool,
    /// The command with its arguments
    #[arg(
        last = true,
        required = true,
        value_name = "COMMAND",
        help_heading = "How to run"
    )]
    command: Vec<OsString>,
}

/// How far the run is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Takes batches.
    Going,
    /// Takes no more batches.
    Stopping,
    /// Kills what still runs.
    Killing,
}

/// What the workers of a run share.
struct Run {
    inventory: Inventory,
    request: AcquireRequest,
    work: Work,
    batches_left: AtomicU32,
    stop_on_failure: bool,
    stage: watch::Sender<Stage>,
    is_interrupted: AtomicBool,
}

/// Runs the command on batches.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let mut request = arguments.request.to_acquire()?;
    if !arguments.no_lease {
        request.lease_seconds.get_or_insert(DEFAULT_LEASE_SECONDS);
    }
    tell_warnings(&inventory, &request).await?;
    let unit = arguments.request.weight_unit();
    let progress = progress_bar(&inventory, &request, arguments).await?;
    let work = Work {
        command: arguments.command.clone(),
        separator: if arguments.null { 0 } else { b'\n' },
        lease_seconds: request.lease_seconds,
        progress: progress.clone(),
        own_output_only: json,
    };
    work.check()?;
    // Before the first batch is claimed, so that no signal can leave one running.
    let signals = Signals::listen()?;
    let run = Arc::new(Run {
        work,
        inventory,
        request,
        batches_left: AtomicU32::new(match arguments.batches {
            Some(batches) => batches,
            None if arguments.until_done => u32::MAX,
            None => 1,
        }),
        stop_on_failure: arguments.stop_on_failure,
        stage: watch::Sender::new(Stage::Going),
        is_interrupted: AtomicBool::new(false),
    });
    let watcher = tokio::spawn(Arc::clone(&run).watch(signals));
    let mut workers = JoinSet::new();
    for _ in 0..arguments.parallel {
        workers.spawn(Arc::clone(&run).work());
    }
    let mut summary = Summary::default();
    let mut failure = None;
    while let Some(worker) = workers.join_next().await {
        match worker {
            Ok(Ok(part)) => summary.add(part),
            Ok(Err((part, error))) => {
                summary.add(part);
                failure = failure.or(Some(error));
            }
            // A bug of ours; the other workers still end their batches.
            Err(error) => {
                run.stop();
                failure = failure.or(Some(Failure::other(error)));
            }
        }
    }
    summary.interrupted = run.is_interrupted.load(Ordering::Relaxed);
    watcher.abort();
    progress.finish_and_clear();
    if json {
        print_json(&summary)?;
    } else {
        summary.tell(unit);
        if failure.is_none() {
            tell_what_waits(&run.inventory, &run.request).await;
        }
    }
    match failure {
        Some(failure) => Err(failure),
        None if summary.interrupted => Ok(Code::Interrupted),
        None if summary.failed > 0 => Ok(Code::BatchFailed),
        None => Ok(Code::Done),
    }
}

impl Run {
    /// One worker: takes batches until there is a reason to stop. The error comes with what was done
    /// before it.
    async fn work(self: Arc<Self>) -> Result<Summary, (Summary, Failure)> {
        let mut summary = Summary::default();
        while *self.stage.borrow() == Stage::Going && self.may_take_another() {
            let batch = match self.inventory.acquire(&self.request).await {
                Ok(Acquired::Batch(batch)) => batch,
                Ok(Acquired::Nothing(nothing)) => {
                    summary.nothing = Some(nothing);
                    break;
                }
                Err(error) => {
                    self.stop();
                    return Err((summary, error.into()));
                }
            };
            let (items, weight) = (batch.count, batch.weight);
            if batch.over_limit {
                self.warn(
                    &batch,
                    "holds more than is allowed: it was handed out before and keeps its ids, but rows have \
                     come or changed, or the limits were higher",
                );
            }
            if let Some(first) = batch.passed_over_from {
                self.warn(
                    &batch,
                    &format!(
                        "passed the ids from {first} on over for good, up to --id-min: workers that \
                         ask with a lower one miss them"
                    ),
                );
            }
            match self.process(&batch).await {
                Ok(true) => {
                    summary.succeeded += 1;
                    summary.items += items;
                    summary.weight += weight;
                    self.work.progress.inc(items);
                }
                Ok(false) => {
                    summary.failed += 1;
                    if self.stop_on_failure {
                        self.stop();
                    }
                }
                Err(error) => {
                    summary.failed += 1;
                    self.stop();
                    return Err((summary, error));
                }
            }
        }
        Ok(summary)
    }

    /// Runs the command on a batch and ends it; true when it succeeded.
    async fn process(&self, batch: &Batch) -> Result<bool, Failure> {
        let mut stage = self.stage.subscribe();
        let mut heartbeat = batch.keep_alive();
        let kill = async {
            tokio::select! {
                // The sender lives as long as the run.
                _ = stage.wait_for(|stage| *stage == Stage::Killing) => Kill::BrokenOff,
                error = heartbeat.lost() => Kill::TakenAway(error),
            }
        };
        let (outcome, failure) = match self.work.run(batch, kill).await {
            Ok(Ended::Exited {
                status,
                result,
                log,
            }) => {
                let succeeded = status.success();
                let log = match log.is_empty() {
                    true if succeeded => None,
                    true => Some(format!("the command ended with {status}")),
                    false => Some(log),
                };
                let outcome = Outcome {
                    succeeded,
                    result_item: result,
                    log,
                };
                (outcome, None)
            }
            Ok(Ended::Killed(Kill::TakenAway(error))) => {
                self.warn_of_loss(batch, &error);
                return Ok(false);
            }
            Ok(Ended::Killed(Kill::BrokenOff)) => self.give_up(batch, "the run was broken off"),
            Ok(Ended::Unfed { reason }) => self.give_up(batch, &reason),
            Err(failure) => (Outcome::failed(failure.message()), Some(failure)),
        };
        match self.end(batch, &outcome).await {
            Err(error @ Error::Planner(PlannerError::Superseded(_))) => {
                self.warn_of_loss(batch, &error);
                return Ok(false);
            }
            ended => ended?,
        }
        match failure {
            Some(failure) => Err(failure),
            None => Ok(outcome.succeeded),
        }
    }

    /// Ends a batch; without the command's words, if the inventory does not take them.
    async fn end(&self, batch: &Batch, outcome: &Outcome) -> Result<(), Error> {
        match self.inventory.complete(&batch.claim_token, outcome).await {
            // Such as characters that are not in the database's encoding.
            Err(Error::Planner(
                PlannerError::InvalidRequest(reason) | PlannerError::Database(reason),
            )) => {
                let bare = Outcome {
                    succeeded: outcome.succeeded,
                    result_item: None,
                    log: Some("the inventory did not take the command's result or log".into()),
                };
                (self.inventory.complete(&batch.claim_token, &bare)).await?;
                self.warn(batch, &format!("has lost its result and log: {reason}"));
                Ok(())
            }
            ended => ended,
        }
    }

    fn give_up(&self, batch: &Batch, reason: &str) -> (Outcome, Option<Failure>) {
        self.warn(batch, &format!("failed: {reason}"));
        (Outcome::failed(reason), None)
    }

    /// Somebody else may have the batch now: whatever was done here does not count.
    fn warn_of_loss(&self, batch: &Batch, error: &Error) {
        self.warn(batch, &format!("is not ours any more: {error}"));
    }

    fn warn(&self, batch: &Batch, what: &str) {
        self.tell(format_args!(
            "warning: batch {} (ids {} to {}) {what}",
            batch.id, batch.id_start, batch.id_end
        ));
    }

    fn tell(&self, line: impl std::fmt::Display) {
        self.work.show(|| tell(line));
    }

    fn may_take_another(&self) -> bool {
        let take = |left: u32| match left {
            u32::MAX => Some(u32::MAX),
            left => left.checked_sub(1),
        };
        (self
            .batches_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take))
        .is_ok()
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

    /// The first signal lets running commands end, the second one kills them.
    async fn watch(self: Arc<Self>, mut signals: Signals) {
        signals.next().await;
        self.is_interrupted.store(true, Ordering::Relaxed);
        self.advance(Stage::Stopping);
        self.tell("stopping; running commands come to their end (again: kill them)");
        signals.next().await;
        self.advance(Stage::Killing);
    }
}

/// A bar as long as what is left, if all of that is to be done; else a spinner. Only drawn on a
/// terminal.
async fn progress_bar(
    inventory: &Inventory,
    request: &AcquireRequest,
    arguments: &Arguments,
) -> Result<ProgressBar, Failure> {
    let left = inventory.progress(request, MOST_COUNTED).await?;
    if !arguments.until_done {
        return Ok(ProgressBar::new_spinner());
    }
    let bar = ProgressBar::new(left.estimated_items.unwrap_or(left.items));
    let style = "{bar:32} {human_pos}/{human_len} items, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).map_err(Failure::other)?);
    bar.tick();
    Ok(bar)
}
