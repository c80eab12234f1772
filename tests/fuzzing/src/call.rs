//! Any call of the planner.

use arbitrary::{Result, Unstructured};
use batchintory::{
    AcquireRequest, Call, Completion, HistoryQuery, IdRange, JobPlace, JobsQuery, Outcome, Queue,
    RequeueTarget,
};

use crate::inputs::{DIALECTS, acquire_request, count, integer, maybe, text};

/// A call of any operation with any arguments.
pub fn any(input: &mut Unstructured<'_>) -> Result<Call> {
    Ok(match *input.choose(Call::NAMES)? {
        "acquire" => Call::Acquire {
            request: acquire_request(input)?,
            claim_token: maybe(input, text)?,
        },
        "acquire-many" => Call::AcquireMany {
            request: acquire_request(input)?,
            batches: count(input)?,
            claim_token: maybe(input, text)?,
        },
        "advance" => Call::Advance {
            done: maybe(input, |input| {
                Ok(Completion {
                    claim_token: text(input)?,
                    outcome: outcome(input)?,
                })
            })?,
            request: acquire_request(input)?,
            claim_token: maybe(input, text)?,
            items: count(input)?,
        },
        "plan" => Call::Plan {
            request: acquire_request(input)?,
            after: maybe(input, integer)?,
            batches: count(input)?,
        },
        "progress" => Call::Progress {
            request: acquire_request(input)?,
            cap: input.arbitrary()?,
        },
        "warnings" => Call::Warnings {
            request: acquire_request(input)?,
        },
        "batch" => Call::Batch {
            claim_token: text(input)?,
        },
        "items" => Call::Items {
            claim_token: text(input)?,
            after: maybe(input, integer)?,
            limit: count(input)?,
        },
        "items-statement" => Call::ItemsStatement {
            claim_token: text(input)?,
        },
        "heartbeat" => Call::Heartbeat {
            claim_token: text(input)?,
            lease_seconds: count(input)?,
        },
        "complete" => Call::Complete {
            claim_token: text(input)?,
            outcome: outcome(input)?,
        },
        "release" => Call::Release {
            claim_token: text(input)?,
            log: maybe(input, text)?,
        },
        "requeue" => Call::Requeue {
            meta_table: text(input)?,
            job: text(input)?,
            target: target(input)?,
        },
        "audit" => Call::Audit {
            meta_table: text(input)?,
            job: text(input)?,
            after: maybe(input, integer)?,
            limit: count(input)?,
        },
        "jobs" => Call::Jobs {
            query: jobs_query(input)?,
        },
        "history" => Call::History {
            query: history_query(input)?,
        },
        "schema-statements" => Call::SchemaStatements {
            dialect: *input.choose(&DIALECTS)?,
        },
        "notifications" => Call::Notifications {
            meta_table: text(input)?,
        },
        "migrate" => Call::Migrate {},
        unknown => unreachable!("{unknown} is not fuzzed yet"),
    })
}

/// A call as users make it, of which the host's answers matter.
pub fn usual(input: &mut Unstructured<'_>) -> Result<Call> {
    let request = AcquireRequest {
        max_weight: maybe(input, |_| Ok(64.0))?,
        max_count: maybe(input, |_| Ok(10))?,
        filter: maybe(input, |_| Ok(r#"{"column": "a", "op": "is-null"}"#.into()))?,
        source_job: maybe(input, |_| Ok("up".into()))?,
        retry_delay_seconds: maybe(input, |_| Ok(5))?,
        ..AcquireRequest::new("files", "job")
    };
    let token = || "token-of-the-caller's-own".to_owned();
    let (meta_table, job) = ("files".to_owned(), "job".to_owned());
    let done = |_: &mut Unstructured<'_>| {
        Ok(Completion {
            claim_token: token(),
            outcome: Outcome::succeeded(None),
        })
    };
    Ok(match *input.choose(Call::NAMES)? {
        "acquire" => Call::Acquire {
            request,
            claim_token: maybe(input, |_| Ok(token()))?,
        },
        "acquire-many" => Call::AcquireMany {
            request,
            batches: 3,
            claim_token: maybe(input, |_| Ok(token()))?,
        },
        "advance" => Call::Advance {
            done: maybe(input, done)?,
            request,
            claim_token: None,
            items: 10,
        },
        "plan" => Call::Plan {
            request,
            after: None,
            batches: 3,
        },
        "progress" => Call::Progress {
            request,
            cap: 1_000,
        },
        "warnings" => Call::Warnings { request },
        "items" => Call::Items {
            claim_token: token(),
            after: None,
            limit: 10,
        },
        "batch" => Call::Batch {
            claim_token: token(),
        },
        "items-statement" => Call::ItemsStatement {
            claim_token: token(),
        },
        "heartbeat" => Call::Heartbeat {
            claim_token: token(),
            lease_seconds: 60,
        },
        "complete" => Call::Complete {
            claim_token: token(),
            outcome: Outcome::succeeded(None),
        },
        "release" => Call::Release {
            claim_token: token(),
            log: None,
        },
        "requeue" => Call::Requeue {
            meta_table,
            job,
            target: target(input)?,
        },
        "audit" => Call::Audit {
            meta_table,
            job,
            after: None,
            limit: 10,
        },
        "jobs" => Call::Jobs {
            query: JobsQuery::default(),
        },
        "history" => Call::History {
            query: HistoryQuery {
                meta_table: Some(meta_table),
                uid: Some(7),
                limit: 10,
                ..HistoryQuery::default()
            },
        },
        "notifications" => Call::Notifications { meta_table },
        "schema-statements" => Call::SchemaStatements {
            dialect: *input.choose(&DIALECTS)?,
        },
        "migrate" => Call::Migrate {},
        unknown => unreachable!("{unknown} is not fuzzed yet"),
    })
}

fn jobs_query(input: &mut Unstructured<'_>) -> Result<JobsQuery> {
    Ok(JobsQuery {
        meta_table: maybe(input, text)?,
        job: maybe(input, text)?,
        search: maybe(input, text)?,
        after: maybe(input, |input| {
            let (meta_table, job) = (text(input)?, text(input)?);
            Ok(JobPlace { meta_table, job })
        })?,
        limit: count(input)?,
    })
}

fn history_query(input: &mut Unstructured<'_>) -> Result<HistoryQuery> {
    Ok(HistoryQuery {
        meta_table: maybe(input, text)?,
        job: maybe(input, text)?,
        uid: maybe(input, integer)?,
        queue: maybe(input, |input| {
            let queues = [
                Queue::Running,
                Queue::Retry,
                Queue::Requeued,
                Queue::Exhausted,
            ];
            input.choose(&queues).copied()
        })?,
        before: maybe(input, integer)?,
        limit: count(input)?,
        details: input.arbitrary()?,
        claim_tokens: input.arbitrary()?,
    })
}

fn outcome(input: &mut Unstructured<'_>) -> Result<Outcome> {
    Ok(Outcome {
        succeeded: input.arbitrary()?,
        result_item: maybe(input, text)?,
        log: maybe(input, text)?,
    })
}

fn target(input: &mut Unstructured<'_>) -> Result<RequeueTarget> {
    Ok(match input.int_in_range(0..=2)? {
        0 => RequeueTarget::Batch(integer(input)?),
        1 => RequeueTarget::Exhausted,
        _ => {
            let mut ranges = Vec::new();
            while ranges.len() < 5 && input.arbitrary()? {
                ranges.push(IdRange {
                    id_start: integer(input)?,
                    id_end: integer(input)?,
                });
            }
            RequeueTarget::Ids(ranges)
        }
    })
}
