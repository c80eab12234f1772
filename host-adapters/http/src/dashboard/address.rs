//! Addresses of pages. Names stand in the query, where `..` and slashes are letters like others: in a
//! path, browsers and proxies would take them for their own.

use batchintory::JobSummary;

/// The page of a job.
pub(crate) fn job(meta_table: &str, job: &str) -> String {
    with_query(
        "/dashboard/job",
        &[("meta_table", meta_table), ("job", job)],
    )
}

/// The page of a job, with word of how many of its ranges were put back.
pub(crate) fn requeued(meta_table: &str, job: &str, ranges: u64) -> String {
    let fields = [
        ("meta_table", meta_table),
        ("job", job),
        ("requeued", &ranges.to_string()),
    ];
    with_query("/dashboard/job", &fields)
}

/// A job's attempts in the API.
pub(crate) fn batches(summary: &JobSummary, queue: &str) -> String {
    let fields = [
        ("meta_table", summary.meta_table.as_str()),
        ("job", &summary.job),
        ("queue", queue),
    ];
    with_query("/v1/batches", &fields)
}

/// A page of all jobs.
pub(crate) fn home(page: usize) -> String {
    if page == 1 {
        return "/".into();
    }
    with_query("/", &[("page", &page.to_string())])
}

fn with_query(path: &str, fields: &[(&str, &str)]) -> String {
    // Text as key and value can always be written so.
    let query = serde_urlencoded::to_string(fields).unwrap_or_default();
    format!("{path}?{query}")
}
