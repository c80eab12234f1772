//! The inventory in figures, in Prometheus' text format.

use std::fmt::Write as _;

use batchintory::{JobSummary, at_once};

use crate::inventory::{Inventory, if_made};
use crate::parameters::{self, JobsPage};
use crate::problem::Problem;

/// The text format's media type.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A figure of every job: its name, what it says, its kind and how it is read.
type Figure = (
    &'static str,
    &'static str,
    &'static str,
    fn(&JobSummary) -> f64,
);

#[allow(clippy::cast_precision_loss)]
const FIGURES: [Figure; 4] = [
    (
        "batchintory_failed_attempts_total",
        "Attempts that failed, ever.",
        "counter",
        |job| job.failed as f64,
    ),
    (
        "batchintory_items_done",
        "Items in ranges that have succeeded; those of a range that is requeued are not done any more.",
        "gauge",
        |job| job.items as f64,
    ),
    (
        "batchintory_weight_done",
        "Weight of those items, in the unit of the weight column.",
        "gauge",
        |job| job.weight,
    ),
    (
        "batchintory_watermark",
        "Highest id of the meta table that the job has claimed.",
        "gauge",
        |job| job.watermark as f64,
    ),
];

/// The most jobs in an answer, and how many it has where nothing is said.
const MOST_JOBS: u32 = 1_000;

/// The figures of the jobs that are asked for. The text format has no pages: where there are more jobs than an
/// answer holds, it says so, and whoever scrapes asks several times, by table, by name or by place.
pub(crate) fn text(asked: JobsPage, inventory: &impl Inventory) -> Result<String, Problem> {
    let most = asked.limit.unwrap_or(MOST_JOBS);
    if !(1..=MOST_JOBS).contains(&most) {
        return Err(Problem::invalid_request(format!(
            "limit must be from 1 to {MOST_JOBS} jobs, not {most}; see batchintory_jobs_left_out"
        )));
    }
    let mut query = asked.query(parameters::MOST_JOBS)?;
    let mut jobs: Vec<JobSummary> = Vec::new();
    let mut left_out = false;
    let not_migrated = loop {
        // One more tells whether some are left out.
        let left = (most as usize + 1).saturating_sub(jobs.len());
        query.limit = u32::try_from(left).map_or(query.limit, |left| left.min(query.limit));
        let page = if_made(at_once(inventory.jobs(query.clone())))?;
        let Some(page) = page else {
            break true;
        };
        let Some(last) = page.last() else {
            break false;
        };
        query.after = Some(last.place());
        jobs.extend(page.into_iter().map(|job| JobSummary {
            // It is long, and none of it is told.
            request: None,
            ..job
        }));
        if jobs.len() > most as usize {
            jobs.truncate(most as usize);
            left_out = true;
            break false;
        }
    };
    Ok(write(&jobs, left_out, not_migrated))
}

/// Writes the figures of jobs.
fn write(jobs: &[JobSummary], left_out: bool, not_migrated: bool) -> String {
    let mut text = String::new();
    for (name, help, value) in [
        ("batchintory_jobs", "Jobs in this answer.", jobs.len()),
        (
            "batchintory_jobs_left_out",
            "Whether more jobs follow that this answer leaves out: 1, or 0.",
            usize::from(left_out),
        ),
        (
            "batchintory_not_migrated",
            "Whether the inventory table is not made yet: 1, or 0.",
            usize::from(not_migrated),
        ),
    ] {
        head(&mut text, name, help, "gauge");
        let _ = writeln!(text, "{name} {value}");
    }
    head(
        &mut text,
        "batchintory_ranges",
        "Ranges that were handed out, by what became of them: their latest attempt runs or has succeeded, they wait \
         to be handed out again, or are exhausted.",
        "gauge",
    );
    for job in jobs {
        for (state, ranges) in [
            ("running", job.running),
            ("succeeded", job.succeeded),
            ("waiting", job.waiting),
            ("exhausted", job.exhausted),
        ] {
            sample(
                &mut text,
                "batchintory_ranges",
                job,
                Some(("state", state)),
                ranges,
            );
        }
    }
    for (name, help, kind, read) in FIGURES {
        head(&mut text, name, help, kind);
        for job in jobs {
            sample(&mut text, name, job, None, read(job));
        }
    }
    text
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(
    text: &mut String,
    name: &str,
    job: &JobSummary,
    label: Option<(&str, &str)>,
    value: impl std::fmt::Display,
) {
    let _ = write!(
        text,
        "{name}{{meta_table=\"{}\",job=\"{}\"",
        escaped(&job.meta_table),
        escaped(&job.job)
    );
    if let Some((label, content)) = label {
        let _ = write!(text, ",{label}=\"{content}\"");
    }
    let _ = writeln!(text, "}} {value}");
}

/// A label's value: the text format escapes backslash, quote and line feed.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
