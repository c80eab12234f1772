//! What has been done, and what of it is to be done again.

use serde::{Deserialize, Serialize};

use super::json::json_text;
use crate::object;

/// Where an attempt waits for what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// It runs.
    Running,
    /// It failed, and its range will be handed out again.
    Retry,
    /// It was requeued, and its range will be handed out again.
    Requeued,
    /// It failed as often as is allowed.
    Exhausted,
}

/// Which attempts to list. Conditions that are given all hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryQuery {
    /// Only of this meta table.
    pub meta_table: Option<String>,
    /// Only of this job.
    pub job: Option<String>,
    /// Only ranges that hold this id of the meta table, which must then be named.
    pub uid: Option<i64>,
    /// Only attempts in this queue.
    pub queue: Option<Queue>,
    /// Only rows with a lower inventory id.
    pub before: Option<i64>,
    /// The most to return.
    pub limit: u32,
    /// Whether results and logs are given too.
    pub details: bool,
    /// Whether claim tokens of attempts that run are given too.
    pub claim_tokens: bool,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self {
            meta_table: None,
            job: None,
            uid: None,
            queue: None,
            before: None,
            limit: 100,
            details: true,
            claim_tokens: false,
        }
    }
}

/// One attempt: a row of the inventory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The row's id in the inventory.
    pub id: i64,
    /// The meta table's normalised name.
    pub meta_table: String,
    /// The job.
    pub job: String,
    /// As in the request.
    pub job_identifier: Option<String>,
    /// 1 for a new range.
    pub attempt: u32,
    /// `running`, `succeeded`, `failed`, or the word configured for it.
    pub status: String,
    /// The id of the first item.
    pub id_start: i64,
    /// The id of the last item.
    pub id_end: i64,
    /// How many items it has.
    pub count: u64,
    /// What its items weigh together.
    pub weight: f64,
    /// When it was handed out: RFC 3339 in UTC.
    pub processing_start: String,
    /// When it ended: RFC 3339 in UTC.
    pub processing_end: Option<String>,
    /// Until when it may go without a sign of life: RFC 3339 in UTC.
    pub lease_expires: Option<String>,
    /// Its claim token, where it runs and the query asks for it.
    pub claim_token: Option<String>,
    /// Its result, as JSON.
    #[serde(with = "json_text")]
    pub result_item: Option<String>,
    /// Its error message or log.
    pub log: Option<String>,
    /// Where it waits for what comes next.
    pub queue: Option<Queue>,
    /// The query's `uid` lies in the range, but was passed over by the job's filter.
    pub passed_over: bool,
}

/// Ids of a meta table, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRange {
    /// The lowest.
    pub id_start: i64,
    /// The highest.
    pub id_end: i64,
}

/// What to hand out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequeueTarget {
    /// The range of the batch with this id.
    Batch(i64),
    /// All ranges that share an id with one of these.
    Ids(#[serde(deserialize_with = "object::list")] Vec<IdRange>),
    /// All that are exhausted.
    Exhausted,
}

/// A processed range whose rows differ from what was processed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The id of the batch that succeeded.
    pub batch_id: i64,
    /// The id of the first item, then.
    pub id_start: i64,
    /// The id of the last item, then.
    pub id_end: i64,
    /// How many items were processed.
    pub count: u64,
    /// What they weighed.
    pub weight: f64,
    /// How many there are now.
    pub count_now: u64,
    /// What they weigh now.
    pub weight_now: f64,
}

/// A part of an audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditPage {
    /// How many ranges were counted again; 0 is the end.
    pub ranges: u32,
    /// The last id of the last one.
    pub audited_to: Option<i64>,
    /// Those that differ.
    pub differences: Vec<Difference>,
}
