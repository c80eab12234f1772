//! `batchintory status`

use batchintory_wasmtime::{Inventory, JobProgress, JobSummary, JobsQuery};
use clap::Args;
use serde::Serialize;

use crate::error::{Code, Failure};
use crate::output::{JsonList, WeightUnit, count, print_table, table};
use crate::settings::Settings;
use crate::stderr::tell;

/// Show all jobs
///
/// Batches: ranges that are done, with their items and weight. Failed: attempts. Waiting: ranges that
/// will be handed out again; exhausted: those that failed as often as is allowed (see `requeue`). What
/// remains is counted up to --cap items for each job. Items and weight an hour are those of the latest
/// hundred attempts; at that pace, the job will be done in the time that is shown, or `?` where that is
/// not known.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory status --bytes")]
pub struct Arguments {
    /// Only jobs on this meta table
    #[arg(long, value_name = "TABLE")]
    meta_table: Option<String>,
    /// Only this job
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Only jobs whose names hold this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// The most items to count of what remains
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
    let mut pages = inventory.job_pages(JobsQuery {
        meta_table: arguments.meta_table.clone(),
        job: arguments.job.clone(),
        search: arguments.search.clone(),
        ..JobsQuery::default()
    });
    let unit = WeightUnit::bytes_if(arguments.bytes);
    let mut list = JsonList::default();
    let mut shown = table(&HEADINGS, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    let mut warnings = Vec::new();
    while let Some(page) = pages.next().await? {
        for summary in page {
            let job = JobStatus::of(summary, &inventory, arguments.cap).await;
            if json {
                list.print(&job)?;
            } else {
                shown.add_row(job.row(unit));
                warnings.extend(job.warning());
            }
        }
    }
    if json {
        list.end()?;
    } else if shown.is_empty() {
        tell(if arguments.is_for_all() {
            "no batches yet"
        } else {
            "no such job"
        });
    } else {
        print_table(&shown)?;
        warnings.into_iter().for_each(tell);
    }
    Ok(Code::Done)
}

/// A duration by its two largest units.
fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{} d {} h", count(days), hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

impl Arguments {
    fn is_for_all(&self) -> bool {
        self.meta_table.is_none() && self.job.is_none() && self.search.is_none()
    }
}

const HEADINGS: [&str; 16] = [
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
    "ITEMS/H",
    "WEIGHT/H",
    "DONE IN",
    "LATEST",
];

impl JobStatus {
    /// A job, with what remains of it. A meta table that is gone must not hide the other jobs.
    async fn of(summary: JobSummary, inventory: &Inventory, cap: u64) -> Self {
        let (remaining, remaining_error) = match &summary.request {
            None => (
                None,
                Some("the job's configuration is not understood".into()),
            ),
            Some(request) => match inventory.progress(request, cap).await {
                Ok(progress) => (Some(progress), None),
                Err(error) => (None, Some(error.to_string())),
            },
        };
        Self {
            summary,
            remaining,
            remaining_error,
        }
    }

    /// What there is to say beside the table.
    fn warning(&self) -> Option<String> {
        let Self {
            summary,
            remaining,
            remaining_error,
        } = self;
        if remaining.is_some_and(|left| left.watermark_above_table) {
            return Some(format!(
                "warning: the job {:?} has handed out ids up to {}, but the meta table {:?} has none as high: if \
                 its ids have begun anew, new rows up to that id are never handed out; see \
                 docs/claims.md, \"Ids that begin anew\"",
                summary.job, summary.watermark, summary.meta_table
            ));
        }
        if remaining.is_some_and(|left| left.other_meta_database) {
            return Some(format!(
                "warning: the meta table {:?} lies in another database than when the job {:?} claimed its \
                 latest range; `plan` says which, and docs/claims.md, \"Another database\", what to do",
                summary.meta_table, summary.job
            ));
        }
        remaining_error.as_ref().map(|error| {
            format!(
                "warning: what remains of the job {:?} is not known: {error}",
                summary.job
            )
        })
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn row(&self, unit: WeightUnit) -> [String; 16] {
        let Self {
            summary, remaining, ..
        } = self;
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
        let pace = |pace: Option<f64>, show: &dyn Fn(f64) -> String| pace.map_or("?".into(), show);
        let of_left = |read: fn(&JobProgress) -> Option<f64>| remaining.as_ref().and_then(read);
        [
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
            pace(of_left(|left| left.items_per_hour), &|items| {
                count(items.round() as u64)
            }),
            pace(of_left(|left| left.weight_per_hour), &|weight| {
                unit.show(weight.round())
            }),
            (remaining.as_ref())
                .and_then(|left| left.seconds_left)
                .map_or("?".into(), duration),
            summary.latest_start.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_two_units() {
        for (seconds, shown) in [
            (0, "0 s"),
            (61, "1 min 1 s"),
            (7_260, "2 h 1 min"),
            (180_000, "2 d 2 h"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }
}
