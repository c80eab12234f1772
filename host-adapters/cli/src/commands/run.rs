//! `batchintory run`

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use batchintory_wasmtime::{AcquireRequest, Acquired, Batch, Inventory, NothingReason, Outcome};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::{Code, Failure};
use crate::output::{WeightUnit, count, print_json};
use crate::process::{Ended, Work};
use crate::request::Request;
use crate::settings::Settings;

/// How many items are counted for the progress bar at most.
const MOST_COUNTED: u64 = 1_000_000;

/// Claim batches and run a command on each
///
/// The command gets the items on its standard input, one per line, and BATCHINTORY_BATCH_ID,
/// BATCHINTORY_CLAIM_TOKEN, BATCHINTORY_ATTEMPT, BATCHINTORY_JOB, BATCHINTORY_META_TABLE,
/// BATCHINTORY_ID_START, BATCHINTORY_ID_END, BATCHINTORY_COUNT and BATCHINTORY_WEIGHT in its environment.
/// A batch succeeds when its command ends with 0. Standard output becomes its result when it is JSON,
/// the end of standard error its log.
///
/// Takes one batch, unless --batches or --until-done say otherwise. After a batch that failed the run
/// goes on, and ends with 4. On Ctrl-C no more batches are taken and running commands come to their end;
/// on a second Ctrl-C they are killed and their batches marked as failed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory run --meta-table files --job lines --max-weight 64MiB --until-done -- xargs wc -l
  batchintory run --meta-table files --job copy --max-count 100 --parallel 4 --until-done -- ./copy")]
pub struct Arguments {
    #[command(flatten)]
    request: Request,
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

/// What a run did.
#[derive(Debug, Default, Serialize)]
struct Summary {
    succeeded: u64,
    failed: u64,
    items: u64,
    weight: f64,
    nothing: Option<NothingReason>,
    interrupted: bool,
}

/// What the workers of a run share.
struct Run {
    inventory: Inventory,
    request: AcquireRequest,
    work: Work,
    batches_left: AtomicU32,
    stop_on_failure: bool,
    stage: watch::Sender<Stage>,
}

/// Runs the command on batches.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory().await?;
    let request = arguments.request.to_acquire()?;
    let unit = arguments.request.weight_unit();
    let progress = progress_bar(&inventory, &request, arguments).await?;
    let work = Work {
        command: arguments.command.clone(),
        separator: if arguments.null { 0 } else { b'\n' },
        progress: progress.clone(),
    };
    work.check()?;
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
    });
    let signals = tokio::spawn(watch_signals(Arc::clone(&run)));
    let mut workers = JoinSet::new();
    for _ in 0..arguments.parallel {
        workers.spawn(Arc::clone(&run).work(json));
    }
    let mut summary = Summary::default();
    let mut failure = None;
    while let Some(worker) = workers.join_next().await {
        match worker.map_err(Failure::other)? {
            Ok(part) => summary.add(part),
            Err((part, error)) => {
                summary.add(part);
                failure = failure.or(Some(error));
            }
        }
    }
    summary.interrupted = signals.is_finished() || run.is_interrupted();
    signals.abort();
    progress.finish_and_clear();
    if json {
        print_json(&summary)?;
    } else {
        summary.tell(unit);
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
    async fn work(self: Arc<Self>, json: bool) -> Result<Summary, (Summary, Failure)> {
        let mut summary = Summary::default();
        while *self.stage.borrow() == Stage::Going && self.may_take_another() {
            let batch = match self.inventory.acquire(&self.request).await {
                Ok(Acquired::Batch(batch)) => batch,
                Ok(Acquired::Nothing(nothing)) => {
                    summary.nothing = Some(nothing.reason);
                    break;
                }
                Err(error) => {
                    self.stop();
                    return Err((summary, error.into()));
                }
            };
            let (items, weight) = (batch.count, batch.weight);
            match self.process(batch, json).await {
                Ok(true) => {
                    summary.succeeded += 1;
                    summary.items += items;
                    summary.weight += weight;
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
            self.work.progress.inc(items);
        }
        Ok(summary)
    }

    /// Runs the command on a batch and ends it; true when it succeeded.
    async fn process(&self, batch: Batch, json: bool) -> Result<bool, Failure> {
        let mut stage = self.stage.subscribe();
        let kill = async {
            // The sender lives as long as the run.
            let _ = stage.wait_for(|stage| *stage == Stage::Killing).await;
        };
        let (outcome, failure) = match self.work.run(&batch, kill).await {
            Ok(Ended::Exited {
                status,
                output,
                log,
            }) if status.success() => {
                let result_item = self.result(output, json);
                let log = (!log.is_empty()).then_some(log);
                (
                    Outcome {
                        succeeded: true,
                        result_item,
                        log,
                    },
                    None,
                )
            }
            Ok(Ended::Exited {
                status,
                output,
                log,
            }) => {
                let result_item = self.result(output, json);
                let log = match log.is_empty() {
                    true => format!("the command ended with {status}"),
                    false => log,
                };
                let log = Some(log);
                (
                    Outcome {
                        succeeded: false,
                        result_item,
                        log,
                    },
                    None,
                )
            }
            Ok(Ended::Killed { reason }) => {
                self.work.progress.suspend(|| {
                    eprintln!(
                        "warning: batch {} (ids {} to {}) failed: {reason}",
                        batch.id, batch.id_start, batch.id_end
                    );
                });
                (Outcome::failed(reason), None)
            }
            Err(failure) => (
                Outcome::failed("the command cannot be started"),
                Some(failure),
            ),
        };
        self.inventory
            .complete(&batch.claim_token, &outcome)
            .await?;
        match failure {
            Some(failure) => Err(failure),
            None => Ok(outcome.succeeded),
        }
    }

    /// Standard output as a result when it is JSON; otherwise it is passed on.
    fn result(&self, output: Option<Vec<u8>>, json: bool) -> Option<String> {
        let Some(output) = output else {
            self.work
                .progress
                .suspend(|| eprintln!("warning: the command's output is too long to be kept"));
            return None;
        };
        let text = String::from_utf8_lossy(&output);
        let trimmed = text.trim();
        if !trimmed.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok() {
            return Some(trimmed.to_owned());
        }
        self.work.progress.suspend(|| {
            use std::io::Write;
            // Nobody may be there to read it, which is no reason to stop.
            let _ = if json {
                std::io::stderr().write_all(&output)
            } else {
                std::io::stdout().write_all(&output)
            };
        });
        None
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

    fn is_interrupted(&self) -> bool {
        *self.stage.borrow() == Stage::Killing
    }
}

/// The first signal lets running commands end, the second one kills them. Ends after the first.
async fn watch_signals(run: Arc<Run>) {
    signal().await;
    run.work
        .progress
        .suspend(|| eprintln!("stopping; running commands come to their end (again: kill them)"));
    run.advance(Stage::Stopping);
    tokio::spawn(async move {
        signal().await;
        run.advance(Stage::Killing);
    });
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
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

impl Summary {
    fn add(&mut self, part: Self) {
        self.succeeded += part.succeeded;
        self.failed += part.failed;
        self.items += part.items;
        self.weight += part.weight;
        self.nothing = self.nothing.or(part.nothing);
    }

    fn tell(&self, unit: WeightUnit) {
        if self.succeeded + self.failed > 0 {
            let failed = match self.failed {
                0 => String::new(),
                failed => format!(", {} failed", count(failed)),
            };
            eprintln!(
                "{} batches succeeded{failed}: {} items, weight {}",
                count(self.succeeded),
                count(self.items),
                unit.show(self.weight)
            );
        } else if !self.interrupted {
            match self.nothing {
                Some(NothingReason::CaughtUp) => eprintln!("nothing new: all items are handed out"),
                Some(NothingReason::BoundsDone) => eprintln!("nothing left within the bounds"),
                None => {}
            }
        }
    }
}
