//! The API's operations: `openapi.json` describes them.

use batchintory::{
    AcquireRequest, Acquisition, Attempt, Dialect, HistoryQuery, Item, JobSummary, PAGE_BYTES,
    at_once,
};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{IntoDeserializer as _, value::Error as ValueError};
use serde::{Deserialize as _, Serialize};
use serde_json::{Value, json};

use crate::authorization::{Access, Caller};
use crate::inventory::Inventory;
use crate::operation::Operation;
use crate::parameters::{
    AuditPage, BatchesPage, Cap, Count, End, Heartbeat, ItemHistoryPage, ItemsPage, JobsPage,
    MOST_JOBS, PlanPage, Requeue, claim_token, no_query, query,
};
use crate::problem::Problem;
use crate::response::{self, Response};
use crate::service::Request;
use crate::{OPENAPI, body, metrics};

/// The longest request for batches: a filter and a hold of 64 KiB each, and what JSON adds to them.
const MAX_REQUEST_BYTES: usize = 256 * 1024;

/// The longest end of a batch: a result and a log of 1 MiB each, and what JSON adds to them.
const MAX_OUTCOME_BYTES: usize = 4 * 1024 * 1024;

/// Does what a request asks for.
pub(crate) fn call(
    operation: Operation,
    request: Request<'_>,
    caller: &Caller<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    match operation {
        Operation::Health => health(inventory),
        Operation::Metrics => {
            let text = metrics::text(query(request.query)?, inventory)?;
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
        Operation::Schema { dialect } => {
            no_query(request.query)?;
            let statements = at_once(inventory.schema_statements(self::dialect(&dialect)?))?;
            ok(&json!({ "statements": statements }))
        }
        Operation::Migrate => {
            no_query(request.query)?;
            ok(&at_once(inventory.migrate())?)
        }
        Operation::Jobs => {
            let page: JobsPage = query(request.query)?;
            let limit = page.limit.unwrap_or(MOST_JOBS);
            let jobs = at_once(inventory.jobs(page.query(limit)?))?;
            let next_after = (jobs.last()).filter(|_| jobs.len() >= limit as usize);
            let next_after = next_after.map(JobSummary::place);
            ok(&json!({ "jobs": jobs, "next_after": next_after }))
        }
        Operation::Acquire { job } => acquire(job, request, inventory),
        Operation::AcquireMany { job } => acquire_many(job, request, inventory),
        Operation::Plan { job } => {
            let page: PlanPage = query(request.query)?;
            let plan = at_once(inventory.plan(
                acquire_request(job, request)?,
                page.after,
                page.batches.unwrap_or(20),
            ))?;
            ok(&plan)
        }
        Operation::Progress { job } => {
            let cap: Cap = query(request.query)?;
            let progress = at_once(
                inventory.progress(acquire_request(job, request)?, cap.cap.unwrap_or(100_000)),
            )?;
            ok(&progress)
        }
        Operation::Warnings { job } => {
            no_query(request.query)?;
            let warnings = at_once(inventory.warnings(acquire_request(job, request)?))?;
            ok(&json!({ "warnings": warnings }))
        }
        Operation::Audit { job } => {
            let page: AuditPage = query(request.query)?;
            let limit = page.limit.unwrap_or(100);
            ok(&at_once(inventory.audit(
                page.meta_table,
                job,
                page.after,
                limit,
            ))?)
        }
        Operation::Requeue { job } => {
            no_query(request.query)?;
            let requeue: Requeue = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
            let requeued = at_once(inventory.requeue(requeue.meta_table, job, requeue.target))?;
            ok(&json!({ "requeued": requeued }))
        }
        Operation::Batches => {
            let page: BatchesPage = query(request.query)?;
            let query = HistoryQuery::from(page);
            if query.details {
                caller.check(Access::Read)?;
            }
            batches(query, inventory)
        }
        Operation::ItemHistory { meta_table, uid } => {
            let page: ItemHistoryPage = query(request.query)?;
            let uid = uid.parse().map_err(|_| {
                Problem::invalid_request("the item's id in the path is not a 64 bit integer")
            })?;
            batches(page.of_item(meta_table, uid), inventory)
        }
        Operation::Items { claim_token } => items(claim_token, request, inventory),
        Operation::Heartbeat { claim_token } => {
            no_query(request.query)?;
            let sign: Heartbeat = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
            at_once(inventory.heartbeat(claim_token, sign.lease_seconds))?;
            Ok(done())
        }
        Operation::Complete { claim_token } => end(claim_token, true, request, inventory),
        Operation::Fail { claim_token } => end(claim_token, false, request, inventory),
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
    at_once(inventory.history(HistoryQuery {
        limit: 1,
        details: false,
        ..HistoryQuery::default()
    }))?;
    ok(&json!({ "status": "ok" }))
}

fn dialect(name: &str) -> Result<Dialect, Problem> {
    Dialect::deserialize(name.into_deserializer()).map_err(|error: ValueError| {
        Problem::invalid_request(format!("the dialect in the path: {error}"))
    })
}

fn acquire(
    job: String,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    no_query(request.query)?;
    let token = claim_token(request.headers)?;
    let request = acquire_request(job, request)?;
    match at_once(inventory.acquire(request, token))? {
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
    let batches = at_once(inventory.acquire_many(request, count.batches, token))?;
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
    claim_token: String,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let page: ItemsPage = query(request.query)?;
    let limit = page.limit.unwrap_or(1_000);
    let items = at_once(inventory.items(claim_token, page.after, limit))?;
    let may_go_on = items.len() >= limit as usize || may_be_cut(&items);
    let next_after = items.last().filter(|_| may_go_on).map(|item| item.uid);
    ok(&json!({ "items": items, "next_after": next_after }))
}

fn end(
    claim_token: String,
    succeeded: bool,
    request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    no_query(request.query)?;
    let end: End = body::json_or_default(request.headers, request.body, MAX_OUTCOME_BYTES)?;
    at_once(inventory.complete(claim_token, end.outcome(succeeded)))?;
    Ok(done())
}

fn batches(query: HistoryQuery, inventory: &impl Inventory) -> Result<Response, Problem> {
    let attempts = at_once(inventory.history(query.clone()))?;
    let next_before = next_before(&attempts, &query, inventory)?;
    let details = query.details;
    let batches = if details {
        attempts
            .into_iter()
            .map(|attempt| Shown::Whole(Box::new(attempt)))
            .collect()
    } else {
        (attempts.iter())
            .map(without_details)
            .collect::<Result<_, _>>()?
    };
    ok(&Page {
        batches,
        next_before,
    })
}

/// A page of attempts.
#[derive(Serialize)]
struct Page {
    batches: Vec<Shown>,
    next_before: Option<i64>,
}

/// An attempt as JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    /// With its result, to the letter.
    Whole(Box<Attempt>),
    /// Without fields for its result and its log.
    WithoutDetails(Value),
}

/// Whether a page may have ended by its bytes. They are counted as the database keeps them: in none of its
/// encodings has a character more than four.
fn may_be_cut(items: &[Item]) -> bool {
    let bytes: usize = (items.iter())
        .filter_map(|item| item.item.as_ref())
        .map(String::len)
        .sum();
    bytes >= PAGE_BYTES as usize / 4
}

/// Where the next page goes on: at the last one of this page, unless none follows.
fn next_before(
    page: &[Attempt],
    query: &HistoryQuery,
    inventory: &impl Inventory,
) -> Result<Option<i64>, Problem> {
    let Some(last) = page.last() else {
        return Ok(None);
    };
    let before = Some(last.id);
    if page.len() >= query.limit as usize {
        return Ok(before);
    }
    // One that may have ended by its bytes does not tell.
    let may_be_cut = query.details || query.uid.is_some();
    let is_last = !may_be_cut || {
        let following = HistoryQuery {
            before,
            limit: 1,
            details: false,
            ..query.clone()
        };
        at_once(inventory.history(following))?.is_empty()
    };
    Ok(before.filter(|_| !is_last))
}

/// An attempt whose details were not read.
fn without_details(attempt: &Attempt) -> Result<Shown, Problem> {
    let not_json = |error| {
        Problem::from(batchintory::Error::database(format!(
            "the attempt {} in the inventory cannot be written as JSON: {error}",
            attempt.id
        )))
    };
    let mut value = serde_json::to_value(attempt).map_err(not_json)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("result_item");
        fields.remove("log");
    }
    Ok(Shown::WithoutDetails(value))
}

/// The request of a body, for the job of the path.
fn acquire_request(job: String, request: Request<'_>) -> Result<AcquireRequest, Problem> {
    let asked: AcquireRequest = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
    if !asked.job.is_empty() {
        return Err(Problem::invalid_request(
            "the job is named by the path; leave it out of the body",
        ));
    }
    Ok(AcquireRequest { job, ..asked })
}
