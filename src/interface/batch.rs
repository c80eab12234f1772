//! What a worker is given, and what it says of it.

use serde::{Deserialize, Serialize};

use super::json::{json_text, or_error};
use crate::database::{Source, Value};

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
