//! The jobs of an inventory.

use serde::{Deserialize, Serialize};

use super::request::AcquireRequest;

/// A job's ranges, summed up: each runs, waits, is exhausted, or has succeeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    /// The meta table's normalised name.
    pub meta_table: String,
    /// The job.
    pub job: String,
    /// The highest id that the job has claimed so far.
    pub watermark: i64,
    /// Ranges that run.
    pub running: u64,
    /// Ranges whose latest attempt has succeeded, and that were not requeued since.
    pub succeeded: u64,
    /// Attempts that failed, ever.
    pub failed: u64,
    /// Ranges that wait to be handed out again.
    pub waiting: u64,
    /// Ranges that failed as often as is allowed.
    pub exhausted: u64,
    /// Items in the ranges that have succeeded.
    pub items: u64,
    /// What those items weigh.
    pub weight: f64,
    /// When the highest range was handed out, or, if that is later, one that runs, waits or is exhausted: RFC
    /// 3339 in UTC.
    pub latest_start: String,
    /// The request of the latest batch.
    pub request: Option<AcquireRequest>,
}

/// A job, as callers are told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobPlace {
    /// The meta table's normalised name.
    pub meta_table: String,
    /// The job.
    pub job: String,
}

/// Which jobs to list. Conditions that are given all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsQuery {
    /// Only of this meta table.
    pub meta_table: Option<String>,
    /// Only jobs of this name.
    pub job: Option<String>,
    /// Only jobs whose names hold this text.
    pub search: Option<String>,
    /// Only jobs behind this one.
    pub after: Option<JobPlace>,
    /// The most to return, 1 to 100.
    pub limit: u32,
}

impl Default for JobsQuery {
    fn default() -> Self {
        Self {
            meta_table: None,
            job: None,
            search: None,
            after: None,
            limit: 100,
        }
    }
}

impl JobSummary {
    /// Where a page goes on that this job ends.
    pub fn place(&self) -> JobPlace {
        JobPlace {
            meta_table: self.meta_table.clone(),
            job: self.job.clone(),
        }
    }
}
