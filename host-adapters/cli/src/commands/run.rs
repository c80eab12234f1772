//! `batchintory run`

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use batchintory_wasmtime::{AcquireRequest, Inventory};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::advice::{tell_warnings, tell_what_waits};
use crate::command_output::Screen;
use crate::environment::withheld;
use crate::error::{Code, Failure};
use crate::item_format::FormatArguments;
use crate::output::{WeightUnit, print_json};
use crate::process::Work;
use crate::request::{FAILURES, Request, Seconds, parse_seconds};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::starter::Starter;
use crate::stderr::tell;
use crate::summary::Summary;
use crate::workers::{Run, Until};

/// How many items are counted for the progress bar at most.
const MOST_COUNTED: u64 = 1_000_000;

/// How long is waited for a reader of the last words of a run that is broken off.
const TELLING: Duration = Duration::from_secs(1);

/// How long a batch of a run that died stays its own. Living ones prolong it all the time.
const DEFAULT_LEASE_SECONDS: u32 = 300;

/// Claim batches and run a command on each
///
/// The command gets the items on its standard input, as --format says, and BATCHINTORY_BATCH_ID,
/// BATCHINTORY_CLAIM_TOKEN, BATCHINTORY_ATTEMPT, BATCHINTORY_JOB, BATCHINTORY_META_TABLE,
/// BATCHINTORY_ID_START, BATCHINTORY_ID_END, BATCHINTORY_COUNT, BATCHINTORY_WEIGHT and
/// BATCHINTORY_LEASE_SECONDS (if it has a lease) in its environment. That is this program's own, but for
/// connection strings, tokens and passwords (BATCHINTORY_…_CONN, BATCHINTORY_API_TOKEN, PGPASSWORD, MYSQL_PWD):
/// a command that needs one gets it by --pass-env. A batch succeeds when its command ends with 0. Standard
/// output becomes its result when it is JSON, and is passed on otherwise; JSON of more than 1 MiB fails the
/// batch. The last 64 KiB of standard error become its log.
///
/// Takes one batch, unless --batches, --until-done or --follow say otherwise. After a batch that failed the
/// run goes on, and ends with 4; the batch is handed out again, to this run or another, up to --max-attempts
/// times. A range that waits for its --retry-delay is waited for with --follow only.
///
/// With --follow the run waits for items when there are none. It asks again when the next --retry-delay
/// or the next lease is over, and after a random time between half of --poll and all of it. It ends after
/// --batches, or by a signal: SIGTERM, as of a service manager, lets running commands come to their end.
///
/// While a command runs, its batch's lease is prolonged (--lease, here by default 5m). If the batch was
/// taken away all the same, or no sign of life got through for as long as the lease, the command is killed
/// with all that it has started: somebody else may have its items then. If the database does not take the
/// end of a batch, the end is tried again while the lease holds, or for 5 minutes without a lease. A database
/// that is away when the next batch is claimed is waited for as long. A batch fails if the database can never
/// keep its result, because of its characters or its size.
///
/// On Ctrl-C (or SIGTERM, or SIGHUP unless it is ignored, as by nohup) no more batches are taken and
/// running commands come to their end; on a second one they are killed and their batches released.
/// A database that does not answer is waited for 3 seconds then. When this program is killed, whatever kills
/// it, its commands are killed with all that they have started, but for what has left their process group.
/// Processes that a command leaves behind are not waited for: what they write later than 5 seconds after its
/// end is lost.
///
/// A batch whose rows are gone succeeds without its command, and a line on standard error says so.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory run --meta-table files --job lines --max-weight 64MiB --until-done -- xargs wc -l
  batchintory run --meta-table files --job copy --max-count 100 --parallel 4 --until-done -- ./copy
  batchintory run --meta-table files --job copy --max-count 100 --follow -- ./copy")]
pub struct Arguments {
    #[command(flatten)]
    request: Request,
    /// Give batches no lease: one runs until it ends or is requeued, even if this program dies
    #[arg(long, conflicts_with = "lease", help_heading = FAILURES)]
    no_lease: bool,
    /// Go on until nothing is left
    #[arg(long, conflicts_with_all = ["batches", "follow"], help_heading = "How to run")]
    until_done: bool,
    /// Wait for items when there are none, until a signal or --batches ends it
    #[arg(long, help_heading = "How to run")]
    follow: bool,
    /// How long to wait at most before asking again whether items have come
    #[arg(long, value_name = "TIME", value_parser = parse_seconds, default_value = "10s", requires = "follow", help_heading = "How to run")]
    poll: Seconds,
    /// The most batches to take [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..), help_heading = "How to run")]
    batches: Option<u32>,
    /// The number of commands that run at once
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "How to run")]
    parallel: u16,
    /// Take no more batches after one that failed
    #[arg(long, help_heading = "How to run")]
    stop_on_failure: bool,
    #[command(flatten, next_help_heading = "How to run")]
    format: FormatArguments,
    /// Give the command this variable too, although it may hold a secret: a connection string, a token or a
    /// password (several times for several)
    #[arg(long, value_name = "NAME", help_heading = "How to run")]
    pass_env: Vec<OsString>,
    /// The command with its arguments
    #[arg(
        last = true,
        required = true,
        value_name = "COMMAND",
        help_heading = "How to run"
    )]
    command: Vec<OsString>,
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
    let work = Work {
        command: arguments.command.clone(),
        withheld: withheld(&arguments.pass_env),
        format: arguments.format.format(),
        lease_seconds: request.lease_seconds,
        screen: Screen {
            progress: progress_bar(&inventory, &request, arguments).await?,
            own_output_only: json,
        },
        starter: Starter::new()?,
    };
    work.check()?;
    // Before the first batch is claimed, so that no signal can leave one running.
    let signals = Signals::listen()?;
    let batches = match arguments.batches {
        None if arguments.until_done || arguments.follow => None,
        batches => Some(batches.unwrap_or(1)),
    };
    let until = Until {
        batches,
        is_failure: arguments.stop_on_failure,
        follows: (arguments.follow).then(|| Duration::from_secs(arguments.poll.0.into())),
    };
    let run = Arc::new(Run::new(inventory, request, work, until));
    let watcher = tokio::spawn(Arc::clone(&run).watch(signals));
    let ended = tokio::select! {
        ended = finish(&run, arguments.parallel, unit, json) => ended,
        () = run.broken_off() => leave(&run, unit, json).await,
    };
    watcher.abort();
    ended
}

/// Runs it to its end.
async fn finish(
    run: &Arc<Run>,
    workers: u16,
    unit: WeightUnit,
    json: bool,
) -> Result<Code, Failure> {
    let worked = run.work(workers).await;
    let summary = run.summary();
    let code = match summary {
        Summary {
            interrupted: true, ..
        } => Code::Interrupted,
        Summary { failed: 1.., .. } => Code::BatchFailed,
        _ => Code::Done,
    };
    run.work.screen.progress.finish_and_clear();
    show(summary, unit, json).await?;
    if !json && worked.is_ok() && code != Code::Interrupted {
        tell_what_waits(&run.inventory, &run.request).await;
    }
    worked.map(|()| code)
}

/// Leaves what still waits behind.
async fn leave(run: &Run, unit: WeightUnit, json: bool) -> Result<Code, Failure> {
    let left_behind = run.left_behind();
    let told = async {
        // Nobody may be there to read it, which is no reason to stay.
        let told = spawn_blocking(move || left_behind.iter().for_each(tell));
        let _ = told.await;
        show(run.summary(), unit, json).await
    };
    let _ = timeout(TELLING, told).await;
    Ok(Code::Interrupted)
}

/// Shows what was done, in a thread of its own: a reader that takes its time must not hold up a signal.
async fn show(summary: Summary, unit: WeightUnit, json: bool) -> Result<(), Failure> {
    let shown = spawn_blocking(move || {
        if json {
            print_json(&summary)
        } else {
            summary.tell(unit);
            Ok(())
        }
    });
    shown
        .await
        .unwrap_or_else(|error| Err(Failure::other(error)))
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
