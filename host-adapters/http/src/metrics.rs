//! The inventory in figures, in Prometheus' text format.

use std::fmt::Write as _;

use batchintory::JobSummary;

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
const FIGURES: [Figure; 3] = [
    (
        "batchintory_items_total",
        "Items in batches that succeeded.",
        "counter",
        |job| job.items as f64,
    ),
    (
        "batchintory_weight_total",
        "Weight of batches that succeeded, in the unit of the weight column.",
        "counter",
        |job| job.weight,
    ),
    (
        "batchintory_watermark",
        "Highest id of the meta table that the job has claimed.",
        "gauge",
        |job| job.watermark as f64,
    ),
];

/// Writes the figures of all jobs.
pub(crate) fn write(jobs: &[JobSummary]) -> String {
    let mut text = String::new();
    head(
        &mut text,
        "batchintory_attempts",
        "Attempts at batches, by how they ended or that they run.",
        "gauge",
    );
    for job in jobs {
        for (status, attempts) in [
            ("running", job.running),
            ("succeeded", job.succeeded),
            ("failed", job.failed),
        ] {
            sample(
                &mut text,
                "batchintory_attempts",
                job,
                Some(("status", status)),
                attempts,
            );
        }
    }
    head(
        &mut text,
        "batchintory_ranges",
        "Ranges that wait to be handed out again, or are exhausted.",
        "gauge",
    );
    for job in jobs {
        for (queue, ranges) in [("waiting", job.waiting), ("exhausted", job.exhausted)] {
            sample(
                &mut text,
                "batchintory_ranges",
                job,
                Some(("queue", queue)),
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
