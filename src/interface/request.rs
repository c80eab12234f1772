//! What a worker asks for.

use serde::{Deserialize, Serialize};

use super::json::json_text;
use crate::object;

/// The columns of a meta table that matter here; by default `uid`, `item` and `weight`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetaColumns {
    /// Unique, increasing integer id.
    pub uid: String,
    /// What to process.
    pub item: String,
    /// How heavy an item is; `None`: items have no weight.
    pub weight: Option<String>,
}

impl Default for MetaColumns {
    fn default() -> Self {
        Self {
            uid: "uid".into(),
            item: "item".into(),
            weight: Some("weight".into()),
        }
    }
}

/// What to hand out next, and how much of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcquireRequest {
    /// The meta table, as `table` or `schema.table`.
    pub meta_table: String,
    /// The job's name.
    pub job: String,
    /// Tells runs of one job apart; only kept.
    pub job_identifier: Option<String>,
    /// Processes the results of this job on the meta table instead of the table itself.
    pub source_job: Option<String>,
    /// The meta table's columns.
    #[serde(deserialize_with = "object::one")]
    pub columns: MetaColumns,
    /// The lowest id to hand out (inclusive).
    pub id_min: Option<i64>,
    /// The highest id to hand out (inclusive).
    pub id_max: Option<i64>,
    /// The most that a batch may weigh.
    pub max_weight: Option<f64>,
    /// The most items in a batch.
    pub max_count: Option<u64>,
    /// Which rows belong to the job, as a JSON condition.
    #[serde(with = "json_text")]
    pub filter: Option<String>,
    /// Which rows are not ready yet, as a JSON condition.
    #[serde(with = "json_text")]
    pub hold: Option<String>,
    /// How to tell that no row will appear below one that is there already.
    pub settle: Settle,
    /// How often a range is handed out until it succeeds.
    pub max_attempts: u32,
    /// How long a range waits after its first failure before the next attempt; twice as long after each further one.
    pub retry_delay_seconds: Option<u32>,
    /// How long a batch may run without a sign of life.
    pub lease_seconds: Option<u32>,
    /// What to do when columns, filter or hold differ from those of the job's latest range.
    pub on_change: OnChange,
    /// How items are given.
    pub item_encoding: ItemEncoding,
}

impl Default for AcquireRequest {
    fn default() -> Self {
        Self {
            meta_table: String::new(),
            job: String::new(),
            job_identifier: None,
            source_job: None,
            columns: MetaColumns::default(),
            id_min: None,
            id_max: None,
            max_weight: None,
            max_count: None,
            filter: None,
            hold: None,
            settle: Settle::None,
            max_attempts: 3,
            retry_delay_seconds: None,
            lease_seconds: None,
            on_change: OnChange::Refuse,
            item_encoding: ItemEncoding::Text,
        }
    }
}

impl AcquireRequest {
    /// A request for all new items of `meta_table` in one batch; set limits and bounds as needed.
    ///
    /// ```
    /// use batchintory::AcquireRequest;
    ///
    /// let request = AcquireRequest {
    ///     max_weight: Some(64.0 * 1024.0 * 1024.0),
    ///     ..AcquireRequest::new("files", "thumbnails")
    /// };
    /// assert_eq!(request.columns.uid, "uid");
    /// ```
    pub fn new(meta_table: impl Into<String>, job: impl Into<String>) -> Self {
        Self {
            meta_table: meta_table.into(),
            job: job.into(),
            ..Self::default()
        }
    }
}

/// How to tell that no row will appear below one that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settle {
    /// Every visible row is taken for settled.
    #[default]
    None,
    /// By commit order: waits for transactions that may have drawn a lower id.
    CommitOrder,
}

/// How items are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemEncoding {
    /// As text; an item that is none is an error.
    #[default]
    Text,
    /// The bytes of every item in base64, with padding.
    Base64,
    /// The bytes of every item by hexadecimal digits, in small letters.
    Hex,
}

/// What to do when a job's configuration differs from that of its latest range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    /// Hand out nothing, and tell the difference.
    #[default]
    Refuse,
    /// Go on with the new one.
    Accept,
}
