//! What requests say beside their paths: the fields of queries and bodies.

use batchintory::{
    AcquireRequest, Completion, HistoryQuery, JobPlace, JobsQuery, Object, Outcome, Queue,
    RequeueTarget,
};
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// How many jobs a page has at most, and where nothing is said.
pub(crate) const MOST_JOBS: u32 = 100;

/// How many attempts a page has where nothing is said.
const USUAL_ATTEMPTS: u32 = 100;

/// The header with a claim token of the caller's own.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Reads a query's fields.
pub(crate) fn query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // What is no text would be read as if it were another one.
    percent_decode_str(query)
        .decode_utf8()
        .map_err(|_| Problem::invalid_request("the query, once decoded, is not UTF-8 text"))?;
    serde_urlencoded::from_str(query)
        .map_err(|error| Problem::invalid_request(format!("the query is not as expected: {error}")))
}

/// Refuses whatever a query says.
pub(crate) fn no_query(text: &str) -> Result<(), Problem> {
    query::<Nothing>(text).map(|_| ())
}

/// The claim token of the caller's own, if there is one.
pub(crate) fn claim_token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut tokens = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(token) = tokens.next() else {
        return Ok(None);
    };
    if tokens.next().is_some() {
        return Err(Problem::invalid_request(
            "there is more than one Idempotency-Key",
        ));
    }
    match std::str::from_utf8(token.as_bytes()) {
        Ok(token) => Ok(Some(token.to_owned())),
        Err(_) => Err(Problem::invalid_request(
            "the Idempotency-Key is not UTF-8 text",
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanPage {
    pub(crate) after: Option<i64>,
    pub(crate) batches: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cap {
    pub(crate) cap: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    pub(crate) batches: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditPage {
    pub(crate) meta_table: String,
    pub(crate) after: Option<i64>,
    pub(crate) limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemsPage {
    pub(crate) after: Option<i64>,
    pub(crate) limit: Option<u32>,
}

/// Which jobs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsPage {
    meta_table: Option<String>,
    job: Option<String>,
    search: Option<String>,
    after_meta_table: Option<String>,
    after_job: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl JobsPage {
    pub(crate) fn query(self, limit: u32) -> Result<JobsQuery, Problem> {
        Ok(JobsQuery {
            after: place(self.after_meta_table, self.after_job)?,
            meta_table: self.meta_table,
            job: self.job,
            search: self.search,
            limit,
        })
    }
}

/// The job that a page comes behind.
pub(crate) fn place(
    meta_table: Option<String>,
    job: Option<String>,
) -> Result<Option<JobPlace>, Problem> {
    match (meta_table, job) {
        (None, None) => Ok(None),
        (_, Some(job)) if job.contains('\0') => Err(Problem::invalid_request(
            "after_job must not hold a NUL character",
        )),
        (Some(meta_table), Some(job)) => Ok(Some(JobPlace { meta_table, job })),
        _ => Err(Problem::invalid_request(
            "after_meta_table and after_job name a job together; give both or none",
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchesPage {
    meta_table: Option<String>,
    job: Option<String>,
    uid: Option<i64>,
    queue: Option<Queue>,
    before: Option<i64>,
    limit: Option<u32>,
    #[serde(default)]
    details: bool,
    #[serde(default)]
    claim_tokens: bool,
}

impl From<BatchesPage> for HistoryQuery {
    fn from(page: BatchesPage) -> Self {
        Self {
            meta_table: page.meta_table,
            job: page.job,
            uid: page.uid,
            queue: page.queue,
            before: page.before,
            limit: page.limit.unwrap_or(USUAL_ATTEMPTS),
            details: page.details,
            claim_tokens: page.claim_tokens,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemHistoryPage {
    job: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
}

impl ItemHistoryPage {
    /// The attempts at the batches that had an item.
    pub(crate) fn of_item(self, meta_table: String, uid: i64) -> HistoryQuery {
        HistoryQuery {
            meta_table: Some(meta_table),
            uid: Some(uid),
            job: self.job,
            queue: None,
            before: self.before,
            limit: self.limit.unwrap_or(USUAL_ATTEMPTS),
            details: false,
            claim_tokens: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requeue {
    pub(crate) meta_table: String,
    pub(crate) target: RequeueTarget,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heartbeat {
    pub(crate) lease_seconds: u32,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct End {
    result_item: Option<Box<RawValue>>,
    log: Option<String>,
}

/// Why a batch is given back.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Release {
    pub(crate) log: Option<String>,
}

/// The end of a batch, and what to hand out next.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    pub(crate) done: Option<Object<Done>>,
    pub(crate) request: Object<AcquireRequest>,
    pub(crate) items: Option<u32>,
}

/// A batch that is over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Done {
    claim_token: String,
    succeeded: bool,
    #[serde(default)]
    result_item: Option<Box<RawValue>>,
    #[serde(default)]
    log: Option<String>,
}

impl Done {
    pub(crate) fn completion(self) -> Completion {
        let end = End {
            result_item: self.result_item,
            log: self.log,
        };
        Completion {
            claim_token: self.claim_token,
            outcome: end.outcome(self.succeeded),
        }
    }
}

impl End {
    pub(crate) fn outcome(self, succeeded: bool) -> Outcome {
        Outcome {
            succeeded,
            result_item: (self.result_item).map(|result| result.get().to_owned()),
            log: self.log,
        }
    }
}
