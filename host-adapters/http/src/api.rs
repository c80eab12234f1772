//! The API's operations: `openapi.json` describes them.

use batchintory::{
    AcquireRequest, Acquisition, Attempt, HistoryQuery, Outcome, Queue, RequeueTarget,
};
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::inventory::Inventory;
use crate::operation::Operation;
use crate::problem::Problem;
use crate::response::{self, Response};
use crate::service::Request;
use crate::{OPENAPI, body, metrics};

/// The longest request for batches: a filter and a hold of 64 KiB each, and what JSON adds to them.
const MAX_REQUEST_BYTES: usize = 256 * 1024;

/// The longest end of a batch: a result and a log of 1 MiB each, and what JSON adds to them.
const MAX_OUTCOME_BYTES: usize = 4 * 1024 * 1024;

/// The most attempts in a page with their results and logs, which may have 1 MiB each.
const MAX_DETAILED: u32 = 10;

/// The header with a claim token of the caller's own.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Does what a request asks for.
pub(crate) fn call(
    operation: Operation,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    match operation {
        Operation::Health => health(inventory),
        Operation::Metrics => {
            let text = metrics::write(&inventory.jobs()?);
            Ok(response::bytes(
                StatusCode::OK,
                metrics::MEDIA_TYPE,
                text.into_bytes(),
            ))
        }
        Operation::Description => Ok(response::bytes(
            StatusCode::OK,
            "application/json",
            OPENAPI.into(),
        )),
        Operation::Migrate => ok(&inventory.migrate()?),
        Operation::Jobs => {
            no_query(request.query)?;
            ok(&json!({ "jobs": inventory.jobs()? }))
        }
        Operation::Acquire { job } => acquire(job, request, inventory),
        Operation::AcquireMany { job } => acquire_many(job, request, inventory),
        Operation::Plan { job } => {
            let page: PlanPage = query(request.query)?;
            let plan = inventory.plan(
                acquire_request(job, request)?,
                page.after,
                page.batches.unwrap_or(20),
            )?;
            ok(&plan)
        }
        Operation::Progress { job } => {
            let cap: Cap = query(request.query)?;
            let progress =
                inventory.progress(acquire_request(job, request)?, cap.cap.unwrap_or(100_000))?;
            ok(&progress)
        }
        Operation::Warnings { job } => {
            no_query(request.query)?;
            let warnings = inventory.warnings(acquire_request(job, request)?)?;
            ok(&json!({ "warnings": warnings }))
        }
        Operation::Audit { job } => {
            let page: AuditQuery = query(request.query)?;
            let limit = page.limit.unwrap_or(100);
            ok(&inventory.audit(&page.meta_table, &job, page.after, limit)?)
        }
        Operation::Requeue { job } => {
            no_query(request.query)?;
            let requeue: Requeue = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
            let requeued = inventory.requeue(&requeue.meta_table, &job, requeue.target)?;
            ok(&json!({ "requeued": requeued }))
        }
        Operation::Batches => {
            let page: Batches = query(request.query)?;
            batches(page.into(), inventory)
        }
        Operation::ItemHistory { meta_table, uid } => {
            let page: ItemHistory = query(request.query)?;
            let uid = uid.parse().map_err(|_| {
                Problem::invalid_request("the item's id in the path is not a 64 bit integer")
            })?;
            let attempts = HistoryQuery {
                meta_table: Some(meta_table),
                uid: Some(uid),
                job: page.job,
                before: page.before,
                limit: page.limit.unwrap_or(100),
                details: false,
                queue: None,
            };
            batches(attempts, inventory)
        }
        Operation::Items { claim_token } => items(&claim_token, request, inventory),
        Operation::Heartbeat { claim_token } => {
            no_query(request.query)?;
            let sign: Heartbeat = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
            inventory.heartbeat(&claim_token, sign.lease_seconds)?;
            Ok(done())
        }
        Operation::Complete { claim_token } => {
            no_query(request.query)?;
            let end: End = body::json_or_default(request.headers, request.body, MAX_OUTCOME_BYTES)?;
            inventory.complete(&claim_token, end.outcome(true))?;
            Ok(done())
        }
        Operation::Fail { claim_token } => {
            no_query(request.query)?;
            let end: End = body::json_or_default(request.headers, request.body, MAX_OUTCOME_BYTES)?;
            inventory.complete(&claim_token, end.outcome(false))?;
            Ok(done())
        }
        Operation::Dashboard(_) => Err(Problem::not_found()),
    }
}

fn ok(answer: &impl Serialize) -> Result<Response, Problem> {
    Ok(response::json(StatusCode::OK, "application/json", answer))
}

fn done() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Whether the inventory can be read.
fn health(inventory: &impl Inventory) -> Result<Response, Problem> {
    inventory.history(HistoryQuery {
        limit: 1,
        details: false,
        ..HistoryQuery::default()
    })?;
    ok(&json!({ "status": "ok" }))
}

fn acquire(
    job: String,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    no_query(request.query)?;
    let token = claim_token(request.headers)?;
    let request = acquire_request(job, request)?;
    match inventory.acquire(request, token.as_deref())? {
        Acquisition::Batch(batch) => {
            let mut response = response::json(StatusCode::CREATED, "application/json", &batch);
            let token = utf8_percent_encode(&batch.claim_token, NON_ALPHANUMERIC);
            if let Ok(items) = HeaderValue::try_from(format!("/v1/batches/{token}/items")) {
                response.headers_mut().insert(LOCATION, items);
            }
            Ok(response)
        }
        Acquisition::Nothing(nothing) => ok(&nothing),
    }
}

fn acquire_many(
    job: String,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let count: Count = query(request.query)?;
    let token = claim_token(request.headers)?;
    let request = acquire_request(job, request)?;
    let batches = inventory.acquire_many(request, count.batches, token.as_deref())?;
    let status = if batches.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok(response::json(
        status,
        "application/json",
        &json!({ "batches": batches }),
    ))
}

fn items(
    claim_token: &str,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let page: ItemsPage = query(request.query)?;
    let limit = page.limit.unwrap_or(1_000);
    let items = inventory.items(claim_token, page.after, limit)?;
    let next_after = (items.len() >= limit as usize)
        .then(|| items.last().map(|item| item.uid))
        .flatten();
    ok(&json!({ "items": items, "next_after": next_after }))
}

fn batches(query: HistoryQuery, inventory: &impl Inventory) -> Result<Response, Problem> {
    if query.details && query.limit > MAX_DETAILED {
        return Err(Problem::invalid_request(format!(
            "with details, limit must be {MAX_DETAILED} at most: a result or a log may be a MiB"
        )));
    }
    let (limit, details) = (query.limit, query.details);
    let attempts = inventory.history(query)?;
    let next_before = (attempts.len() >= limit as usize)
        .then(|| attempts.last().map(|attempt| attempt.id))
        .flatten();
    let batches: Vec<Value> = attempts
        .iter()
        .map(|attempt| shown(attempt, details))
        .collect::<Result<_, _>>()?;
    ok(&json!({ "batches": batches, "next_before": next_before }))
}

/// An attempt as JSON; one without details has no fields for them.
fn shown(attempt: &Attempt, details: bool) -> Result<Value, Problem> {
    let not_json = |error| {
        Problem::from(batchintory::Error::Database(format!(
            "the result of the attempt {} in the inventory is not JSON: {error}",
            attempt.id
        )))
    };
    let mut value = serde_json::to_value(attempt).map_err(not_json)?;
    if let (false, Some(fields)) = (details, value.as_object_mut()) {
        fields.remove("result_item");
        fields.remove("log");
    }
    Ok(value)
}

/// The request of a body, for the job of the path.
fn acquire_request(job: String, request: Request<'_>) -> Result<AcquireRequest, Problem> {
    let mut fields: Map<String, Value> =
        body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
    if fields.contains_key("job") {
        return Err(Problem::invalid_request(
            "the job is named by the path; leave it out of the body",
        ));
    }
    fields.insert("job".into(), Value::String(job));
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| Problem::invalid_request(format!("the body is not as expected: {error}")))
}

fn claim_token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(token) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match std::str::from_utf8(token.as_bytes()) {
        Ok(token) => Ok(Some(token.to_owned())),
        Err(_) => Err(Problem::invalid_request(
            "the Idempotency-Key is not UTF-8 text",
        )),
    }
}

fn query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query)
        .map_err(|error| Problem::invalid_request(format!("the query is not as expected: {error}")))
}

fn no_query(text: &str) -> Result<(), Problem> {
    query::<Nothing>(text).map(|_| ())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanPage {
    after: Option<i64>,
    batches: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cap {
    cap: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    batches: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    meta_table: String,
    after: Option<i64>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requeue {
    meta_table: String,
    target: RequeueTarget,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batches {
    meta_table: Option<String>,
    job: Option<String>,
    uid: Option<i64>,
    queue: Option<Queue>,
    before: Option<i64>,
    limit: Option<u32>,
    #[serde(default)]
    details: bool,
}

impl From<Batches> for HistoryQuery {
    fn from(query: Batches) -> Self {
        Self {
            meta_table: query.meta_table,
            job: query.job,
            uid: query.uid,
            queue: query.queue,
            before: query.before,
            limit: query
                .limit
                .unwrap_or(if query.details { MAX_DETAILED } else { 100 }),
            details: query.details,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemHistory {
    job: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemsPage {
    after: Option<i64>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heartbeat {
    lease_seconds: u32,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct End {
    result_item: Option<Value>,
    log: Option<String>,
}

impl End {
    fn outcome(self, succeeded: bool) -> Outcome {
        Outcome {
            succeeded,
            result_item: self.result_item.map(|result| result.to_string()),
            log: self.log,
        }
    }
}
