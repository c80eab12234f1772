//! Jobs, and what is done to one of them.

use batchintory::{
    AcquireRequest, Acquisition, Batch, JobSummary, Nothing, Object, Operations as _, at_once,
};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;

use crate::asked::Asked;
use crate::body::{self, MAX_OUTCOME_BYTES, MAX_REQUEST_BYTES};
use crate::channel;
use crate::parameters::{
    Advance, AuditPage, Cap, Count, JobsPage, MOST_JOBS, PlanPage, Requeue, claim_token, no_query,
    query,
};
use crate::problem::Problem;
use crate::response::{self, Response, ok};

/// How many of a batch's items come with it, unless said otherwise.
const FIRST_ITEMS: u32 = 1_000;

/// All jobs.
pub(crate) fn list(asked: Asked<'_>) -> Result<Response, Problem> {
    let page: JobsPage = query(asked.request.query)?;
    let limit = page.limit.unwrap_or(MOST_JOBS);
    let jobs = at_once(asked.inventory.jobs(page.query(limit)?))?;
    let next_after = (jobs.last()).filter(|_| jobs.len() >= limit as usize);
    let next_after = next_after.map(JobSummary::place);
    ok(&json!({ "jobs": jobs, "next_after": next_after }))
}

/// The next batch of a job.
pub(crate) fn acquire(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let token = claim_token(asked.request.headers)?;
    let request = acquire_request(&mut asked)?;
    let meta_table = request.meta_table.clone();
    match at_once(asked.inventory.acquire(request, token))? {
        Acquisition::Batch(batch) => Ok(handed_out(&batch, &batch)),
        Acquisition::Nothing(nothing) => nothing_yet(&asked, meta_table, &nothing),
    }
}

/// The end of a batch, and the next one of a job with its items.
pub(crate) fn advance(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let token = claim_token(asked.request.headers)?;
    let request = &mut asked.request;
    let body: Advance = body::json(request.headers, request.body, MAX_OUTCOME_BYTES)?;
    let Object(next) = body.request;
    let next = of_job(&mut asked, next)?;
    let meta_table = next.meta_table.clone();
    let done = body.done.map(|Object(done)| done.completion());
    let items = body.items.unwrap_or(FIRST_ITEMS);
    let acquired = at_once(asked.inventory.advance(done, next, token, items))?.next?;
    match acquired.acquisition {
        Acquisition::Batch(batch) => {
            let answer = json!({ "batch": batch, "items": acquired.items });
            Ok(handed_out(&batch, &answer))
        }
        Acquisition::Nothing(nothing) => nothing_yet(&asked, meta_table, &nothing),
    }
}

/// There is nothing to hand out, for now.
fn nothing_yet(
    asked: &Asked<'_>,
    meta_table: String,
    nothing: &Nothing,
) -> Result<Response, Problem> {
    let told = |mut response: Response| {
        channel::tell(asked, meta_table, &mut response);
        response
    };
    ok(nothing).map(told)
}

/// A batch that was handed out, and where its items are.
fn handed_out(batch: &Batch, answer: &impl Serialize) -> Response {
    let mut response = response::json(StatusCode::CREATED, "application/json", answer);
    let token = utf8_percent_encode(&batch.claim_token, NON_ALPHANUMERIC);
    if let Ok(items) = HeaderValue::try_from(format!("/v1/batches/{token}/items")) {
        response.headers_mut().insert(LOCATION, items);
    }
    response
}

/// The next batches of a job.
pub(crate) fn acquire_many(mut asked: Asked<'_>) -> Result<Response, Problem> {
    let count: Count = query(asked.request.query)?;
    let token = claim_token(asked.request.headers)?;
    let request = acquire_request(&mut asked)?;
    let batches = at_once(asked.inventory.acquire_many(request, count.batches, token))?;
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

/// What would be handed out.
pub(crate) fn plan(mut asked: Asked<'_>) -> Result<Response, Problem> {
    let page: PlanPage = query(asked.request.query)?;
    let request = acquire_request(&mut asked)?;
    let batches = page.batches.unwrap_or(20);
    ok(&at_once(
        asked.inventory.plan(request, page.after, batches),
    )?)
}

/// What is left to do.
pub(crate) fn progress(mut asked: Asked<'_>) -> Result<Response, Problem> {
    let cap: Cap = query(asked.request.query)?;
    let request = acquire_request(&mut asked)?;
    let cap = cap.cap.unwrap_or(100_000);
    ok(&at_once(asked.inventory.progress(request, cap))?)
}

/// What may surprise a job's user.
pub(crate) fn warnings(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let request = acquire_request(&mut asked)?;
    let warnings = at_once(asked.inventory.warnings(request))?;
    ok(&json!({ "warnings": warnings }))
}

/// Which processed ranges have changed.
pub(crate) fn audit(mut asked: Asked<'_>) -> Result<Response, Problem> {
    let page: AuditPage = query(asked.request.query)?;
    let limit = page.limit.unwrap_or(100);
    let job = asked.names.take("job");
    ok(&at_once(asked.inventory.audit(
        page.meta_table,
        job,
        page.after,
        limit,
    ))?)
}

/// Has ranges handed out again.
pub(crate) fn requeue(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let request = &mut asked.request;
    let Requeue { meta_table, target } =
        body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
    let job = asked.names.take("job");
    let requeued = at_once(asked.inventory.requeue(meta_table, job, target))?;
    ok(&json!({ "requeued": requeued }))
}

/// The request of a body, for the job of the path.
fn acquire_request(asked: &mut Asked<'_>) -> Result<AcquireRequest, Problem> {
    let request = &mut asked.request;
    let body = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
    of_job(asked, body)
}

fn of_job(asked: &mut Asked<'_>, body: AcquireRequest) -> Result<AcquireRequest, Problem> {
    if !body.job.is_empty() {
        return Err(Problem::invalid_request(
            "the job is named by the path; leave it out of the body",
        ));
    }
    let job = asked.names.take("job");
    Ok(AcquireRequest { job, ..body })
}
