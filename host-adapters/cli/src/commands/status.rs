//! `batchintory status`

use batchintory_wasmtime::{JobProgress, JobSummary};
use clap::Args;
use serde::Serialize;

use crate::error::{Code, Failure};
use crate::output::{WeightUnit, count, print_json, print_table, table, tell};
use crate::settings::Settings;

/// Show all jobs
///
/// Running, failed: attempts. Waiting: ranges that will be handed out again; exhausted: those that
/// failed as often as is allowed (see `requeue`). What remains is counted up to --cap items for each
/// job.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory status --bytes")]
pub struct Arguments {
    /// Only this job
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Count what remains up to so many items
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    cap: u64,
    /// Show weights as bytes
    #[arg(long)]
    bytes: bool,
}

#[derive(Debug, Serialize)]
struct JobStatus {
    #[serde(flatten)]
    summary: JobSummary,
    remaining: Option<JobProgress>,
    remaining_error: Option<String>,
}

/// Shows the jobs.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let inventory = settings.inventory_at_least().await?;
    let mut jobs = Vec::new();
    for summary in inventory.jobs().await? {
        if arguments
            .job
            .as_ref()
            .is_some_and(|job| *job != summary.job)
        {
            continue;
        }
        // A meta table that is gone must not hide the other jobs.
        let (remaining, remaining_error) = match &summary.request {
            None => (
                None,
                Some("the job's configuration is not understood".into()),
            ),
            Some(request) => match inventory.progress(request, arguments.cap).await {
                Ok(progress) => (Some(progress), None),
                Err(error) => (None, Some(error.to_string())),
            },
        };
        jobs.push(JobStatus {
            summary,
            remaining,
            remaining_error,
        });
    }
    if json {
        print_json(&jobs)?;
        return Ok(Code::Done);
    }
    if jobs.is_empty() {
        tell("no batches yet");
        return Ok(Code::Done);
    }
    show(&jobs, WeightUnit::bytes_if(arguments.bytes))?;
    for JobStatus {
        summary,
        remaining,
        remaining_error,
    } in &jobs
    {
        if remaining.is_some_and(|left| left.watermark_above_table) {
            tell(format_args!(
                "warning: the job {:?} has handed out ids up to {}, but the meta table {:?} has none as high: if \
                 its ids have begun anew, new rows up to that id are never handed out; see \
                 docs/claims.md, \"Ids that begin anew\"",
                summary.job, summary.watermark, summary.meta_table
            ));
        }
        if remaining.is_some_and(|left| left.other_meta_database) {
            tell(format_args!(
                "warning: the meta table {:?} lies in another database than when the job {:?} claimed its \
                 latest range; `plan` says which, and docs/claims.md, \"Another database\", what to do",
                summary.meta_table, summary.job
            ));
        }
        if let Some(error) = remaining_error {
            tell(format_args!(
                "warning: what remains of the job {:?} is not known: {error}",
                summary.job
            ));
        }
    }
    Ok(Code::Done)
}

fn show(jobs: &[JobStatus], unit: WeightUnit) -> Result<(), Failure> {
    let headings = [
        "JOB",
        "META TABLE",
        "BATCHES",
        "ITEMS",
        "WEIGHT",
        "RUNNING",
        "FAILED",
        "WAITING",
        "EXHAUSTED",
        "WATERMARK",
        "REMAINING",
        "WEIGHT LEFT",
        "LATEST",
    ];
    let mut shown = table(&headings, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for JobStatus {
        summary, remaining, ..
    } in jobs
    {
        let (items_left, weight_left) = match remaining {
            None => ("?".into(), "?".into()),
            Some(left) if left.at_least => {
                let about = left
                    .estimated_items
                    .map(|about| format!(" (about {})", count(about)));
                (
                    format!("≥ {}{}", count(left.items), about.unwrap_or_default()),
                    format!("≥ {}", unit.show(left.weight)),
                )
            }
            Some(left) => (count(left.items), unit.show(left.weight)),
        };
        shown.add_row([
            summary.job.clone(),
            summary.meta_table.clone(),
            count(summary.succeeded),
            count(summary.items),
            unit.show(summary.weight),
            count(summary.running),
            count(summary.failed),
            count(summary.waiting),
            count(summary.exhausted),
            summary.watermark.to_string(),
            items_left,
            weight_left,
            summary.latest_start.clone(),
        ]);
    }
    print_table(&shown)
}
