//! Addresses of pages. Names stand in the query, where `..` and slashes are letters like others: in a
//! path, browsers and proxies would take them for their own.

use batchintory::JobSummary;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The page of a job.
pub(crate) fn job(meta_table: &str, job: &str) -> String {
    with_query(
        "/dashboard/job",
        &[("meta_table", meta_table), ("job", job)],
    )
}

/// The page of a job, with word of how many of its ranges were requeued.
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

/// The page of the jobs behind one, of those whose names hold a text.
pub(crate) fn home(text: &str, after: Option<&JobSummary>) -> String {
    let mut fields = Vec::new();
    if !text.is_empty() {
        fields.push(("search", text));
    }
    if let Some(after) = after {
        fields.push(("after_meta_table", after.meta_table.as_str()));
        fields.push(("after_job", &after.job));
    }
    if fields.is_empty() {
        return "/".into();
    }
    with_query("/", &fields)
}

fn with_query(path: &str, fields: &[(&str, &str)]) -> String {
    // Text as key and value can always be written so.
    let query = serde_urlencoded::to_string(fields).unwrap_or_default();
    format!("{path}?{query}")
}

/// What an address asks for.
pub(crate) fn query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query).map_err(|error| {
        Problem::invalid_request(format!("the address is not as expected: {error}"))
    })
}
