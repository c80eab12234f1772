//! The records that callers send and receive.
//!
//! They mirror the interface `inventory` of `wit/inventory.wit`, which says what each field means,
//! its unit and its range. Their JSON form (serde) is that of the inventory's `config` column and
//! of the command line's `--json`.

use serde::{Deserialize, Serialize};

use crate::database::{Source, Value};
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

/// A batch that was handed out: one attempt at one range of ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The row's id in the inventory.
    pub id: i64,
    /// Names this attempt in later calls.
    pub claim_token: String,
    /// The meta table's normalised name.
    pub meta_table: String,
    /// The job.
    pub job: String,
    /// As in the request.
    pub job_identifier: Option<String>,
    /// 1 for a new range.
    pub attempt: u32,
    /// The id of the first item.
    pub id_start: i64,
    /// The id of the last item.
    pub id_end: i64,
    /// How many items it has.
    pub count: u64,
    /// What its items weigh together.
    pub weight: f64,
    /// Whether it is a single item that alone is heavier than `max_weight`.
    pub oversized: bool,
    /// Whether it holds several items and yet more than `max_weight` or `max_count`: a range that
    /// is handed out again keeps its ids, and rows have come or changed, or the limits are lower
    /// now.
    pub over_limit: bool,
    /// The first id of those, up to `id_min`, that it passed over for good since `id_min` lies
    /// above what the job had claimed: workers that ask with a lower one miss them.
    pub passed_over_from: Option<i64>,
    /// When it was handed out: RFC 3339 in UTC.
    pub processing_start: String,
}

/// A batch's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// How long it goes on from each sign of life, in seconds.
    pub seconds: u32,
    /// In how many whole seconds it is over, by the inventory database's clock; 0 where it is already.
    pub left: u32,
}

/// A batch that runs, as it is found by its claim token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningBatch {
    /// The batch.
    pub batch: Batch,
    /// Its lease; `None` where it has none.
    pub lease: Option<Lease>,
}

/// Why nothing was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NothingReason {
    /// All rows that pass the filter and the bounds are handed out; new ones may come.
    CaughtUp,
    /// The job's watermark has reached `id_max`: no new range will ever come.
    BoundsDone,
    /// The next row is not ready yet.
    Held,
}

/// Nothing was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {
    /// Why.
    pub reason: NothingReason,
    /// The highest id that the job has claimed so far.
    pub watermark: Option<i64>,
    /// The highest id that was looked at and passed over by the filter in this call.
    pub scanned_to: Option<i64>,
    /// The first id that is held.
    pub held: Option<i64>,
    /// In how many seconds, 1 or more, the next range that waits or runs under a lease may be handed out
    /// again.
    pub due_in_seconds: Option<u32>,
}

/// How a meta table tells whoever waits that rows have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyChannel {
    /// The channel's name, at most 63 bytes.
    pub name: String,
    /// The statements that have the table notify it, in order: for its owner.
    pub statements: Vec<String>,
}

/// What `acquire` gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acquisition {
    /// A batch: process its items, then complete it.
    Batch(Batch),
    /// Nothing to do.
    Nothing(Nothing),
}

/// One item of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in the meta table.
    pub uid: i64,
    /// The item column as text.
    pub item: Option<String>,
    /// Its weight; 0 where it is NULL or items have no weight.
    pub weight: f64,
}

/// How a host reads a batch's items by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageStatement {
    /// The database that it is for.
    pub on: Source,
    /// Selects `uid`, `item` and `weight`.
    pub statement: String,
    /// Its parameters but for the last two: the id behind which a page begins, and how many rows it has.
    pub parameters: Vec<Value>,
    /// The id behind which the first page begins. None may begin before it.
    pub after: i64,
}

/// A batch that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The batch's claim token.
    pub claim_token: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// What became of the acquisition of [`Advanced`]: a batch with its first items, or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acquired {
    /// The batch, or why there is none.
    pub acquisition: Acquisition,
    /// The batch's first items, in the order of their ids. They may be fewer than asked for, even none;
    /// what comes behind the last of them is given by `items`, unless that is the batch's last id.
    pub items: Vec<Item>,
}

/// What `advance` did: the batch has ended as asked, where one was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advanced {
    /// What was handed out, or why nothing could be.
    #[serde(with = "or_error")]
    pub next: Result<Acquired, crate::Error>,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// True when all of it was processed.
    pub succeeded: bool,
    /// What came of it, as a JSON document.
    #[serde(default, with = "json_text")]
    pub result_item: Option<String>,
    /// An error message or a log's tail.
    pub log: Option<String>,
}

impl Outcome {
    /// All of the batch was processed, with an optional result as a JSON document.
    pub fn succeeded(result_item: Option<String>) -> Self {
        Self {
            succeeded: true,
            result_item,
            log: None,
        }
    }

    /// The batch was given up, with an error message or a log's tail.
    pub fn failed(log: impl Into<String>) -> Self {
        Self {
            succeeded: false,
            result_item: None,
            log: Some(log.into()),
        }
    }
}

/// A batch as `plan` foresees it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlannedBatch {
    /// The id of the first item.
    pub id_start: i64,
    /// The id of the last item.
    pub id_end: i64,
    /// How many items it has.
    pub count: u64,
    /// What its items weigh together.
    pub weight: f64,
    /// Whether it is a single item that alone is heavier than `max_weight`.
    pub oversized: bool,
}

/// The next batches, without claiming them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchPlan {
    /// In order; fewer than asked for when nothing more is left.
    pub batches: Vec<PlannedBatch>,
    /// Whether nothing is left after them, or nothing that is ready.
    pub complete: bool,
    /// The first id that is held, where the plan ends before one.
    pub held: Option<i64>,
}

/// What a job has left to do, counted up to a cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct JobProgress {
    /// The highest id that the job has claimed so far.
    pub watermark: Option<i64>,
    /// Items left, at most the cap.
    pub items: u64,
    /// What those items weigh.
    pub weight: f64,
    /// Whether the cap ended the count.
    pub at_least: bool,
    /// Where the cap ended the count: a guess at all that is left, before any filter.
    pub estimated_items: Option<u64>,
    /// The highest id up to which items are left.
    pub last_id: Option<i64>,
    /// Whether the watermark lies above the table's highest id: its ids have begun anew, and rows
    /// with ids up to the watermark are never handed out.
    pub watermark_above_table: bool,
    /// Whether the meta table lies in another database than at the job's latest range, as far as
    /// databases tell; `warnings` says which.
    pub other_meta_database: bool,
    /// How many items the job gets done in an hour, by its latest hundred attempts; `None` where none of them has
    /// succeeded.
    pub items_per_hour: Option<f64>,
    /// What those items weigh.
    pub weight_per_hour: Option<f64>,
    /// In how many seconds what is left, and what runs or waits, will be done at that pace; 0 where it is
    /// done, `None` where that is not known.
    pub seconds_left: Option<u64>,
}

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

/// What `migrate` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Whether the inventory table was made by this call.
    pub created: bool,
    /// Whether a table that pybatchintory wrote was upgraded by this call.
    pub upgraded: bool,
}

/// In JSON, what was asked for, or the error in its place.
mod or_error {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    use crate::Error;

    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Error(Error),
        Answer(T),
    }

    pub fn serialize<T: Serialize, S: Serializer>(
        result: &Result<T, Error>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match result {
            Ok(answer) => answer.serialize(serializer),
            Err(error) => error.serialize(serializer),
        }
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<T, Error>, D::Error> {
        Ok(match Either::deserialize(deserializer)? {
            Either::Error(error) => Err(error),
            Either::Answer(answer) => Ok(answer),
        })
    }
}

/// JSON kept as text in Rust, but nested as it is in the JSON form of its record: to the letter, since
/// a number may have more digits than any type here, and a string halves of characters.
#[cfg(feature = "exact-json")]
mod json_text {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Error, Serialize, Serializer};
    use serde_json::value::RawValue;

    pub fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref()
            .map(serde_json::from_str::<&RawValue>)
            .transpose()
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let value = Option::<Box<RawValue>>::deserialize(deserializer)?;
        Ok(value.map(|value| value.get().to_owned()))
    }
}

/// The same where no result has a JSON form: conditions have been understood, so that their values are
/// those that a [`Value`](serde_json::Value) holds.
#[cfg(not(feature = "exact-json"))]
mod json_text {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Error, Serialize, Serializer};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref()
            .map(serde_json::from_str::<Value>)
            .transpose()
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let value = Option::<Value>::deserialize(deserializer)?;
        Ok(value.map(|value| value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_carried_to_the_letter() {
        for result in [
            "1e400",
            "-1E-400",
            "123456789012345678901234567890",
            "3.14159265358979323846264338328",
            r#"{"a": "\ud800", "a": [ "\u0000" ]}"#,
        ] {
            let json = format!(r#"{{"succeeded":true,"result_item":{result},"log":null}}"#);
            let outcome: Outcome = serde_json::from_str(&json).unwrap();
            assert_eq!(outcome.result_item.as_deref(), Some(result));
            assert_eq!(serde_json::to_string(&outcome).unwrap(), json);
        }
        let outcome: Outcome =
            serde_json::from_str(r#"{"succeeded":true,"result_item":null}"#).unwrap();
        assert_eq!(outcome, Outcome::succeeded(None));
    }
}
