//! Any call of the planner.

use arbitrary::{Result, Unstructured};
use batchintory::{
    AcquireRequest, Completion, Dialect, HistoryQuery, IdRange, JobPlace, JobsQuery, Outcome,
    Planner, Queue, RequeueTarget,
};

use crate::host::{Host, Zero};
use crate::inputs::{DIALECTS, acquire_request, count, integer, maybe, text};
use crate::run;

/// A call with its arguments.
pub enum Call {
    Acquire(AcquireRequest, Option<String>),
    AcquireMany(AcquireRequest, u32, Option<String>),
    Advance(Option<Completion>, AcquireRequest, Option<String>, u32),
    Plan(AcquireRequest, Option<i64>, u32),
    Progress(AcquireRequest, u64),
    Items(String, Option<i64>, u32),
    ItemsStatement(String),
    Heartbeat(String, u32),
    Complete(String, Outcome),
    Requeue(String, String, RequeueTarget),
    Audit(String, String, Option<i64>, u32),
    History(HistoryQuery),
    Jobs(JobsQuery),
    SchemaStatements(Dialect),
    Notifications(String),
    Migrate,
}

impl Call {
    /// Any call with any arguments.
    pub fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        Ok(match input.int_in_range(0..=15)? {
            0 => Self::Acquire(acquire_request(input)?, maybe(input, text)?),
            1 => Self::AcquireMany(acquire_request(input)?, count(input)?, maybe(input, text)?),
            2 => Self::Plan(
                acquire_request(input)?,
                maybe(input, integer)?,
                count(input)?,
            ),
            3 => Self::Progress(acquire_request(input)?, input.arbitrary()?),
            4 => Self::Items(text(input)?, maybe(input, integer)?, count(input)?),
            5 => Self::Heartbeat(text(input)?, count(input)?),
            6 => Self::Complete(text(input)?, outcome(input)?),
            7 => Self::Requeue(text(input)?, text(input)?, target(input)?),
            8 => {
                let after = maybe(input, integer)?;
                Self::Audit(text(input)?, text(input)?, after, count(input)?)
            }
            9 => Self::History(HistoryQuery {
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
            }),
            10 => Self::Jobs(JobsQuery {
                meta_table: maybe(input, text)?,
                job: maybe(input, text)?,
                search: maybe(input, text)?,
                after: maybe(input, |input| {
                    let (meta_table, job) = (text(input)?, text(input)?);
                    Ok(JobPlace { meta_table, job })
                })?,
                limit: count(input)?,
            }),
            11 => {
                let done = maybe(input, |input| {
                    Ok(Completion {
                        claim_token: text(input)?,
                        outcome: outcome(input)?,
                    })
                })?;
                let token = maybe(input, text)?;
                Self::Advance(done, acquire_request(input)?, token, count(input)?)
            }
            12 => Self::SchemaStatements(*input.choose(&DIALECTS)?),
            13 => Self::Migrate,
            14 => Self::ItemsStatement(text(input)?),
            _ => Self::Notifications(text(input)?),
        })
    }

    /// A call as users make it, of which the host's answers matter.
    pub fn usual(input: &mut Unstructured<'_>) -> Result<Self> {
        let request = AcquireRequest {
            max_weight: maybe(input, |_| Ok(64.0))?,
            max_count: maybe(input, |_| Ok(10))?,
            filter: maybe(input, |_| Ok(r#"{"column": "a", "op": "is-null"}"#.into()))?,
            source_job: maybe(input, |_| Ok("up".into()))?,
            retry_delay_seconds: maybe(input, |_| Ok(5))?,
            ..AcquireRequest::new("files", "job")
        };
        let token = || "token-of-the-caller's-own".to_owned();
        let names = || ("files".to_owned(), "job".to_owned());
        Ok(match input.int_in_range(0..=13)? {
            0 => Self::Acquire(request, maybe(input, |_| Ok(token()))?),
            1 => Self::AcquireMany(request, 3, maybe(input, |_| Ok(token()))?),
            2 => Self::Plan(request, None, 3),
            3 => Self::Progress(request, 1_000),
            4 => Self::Items(token(), None, 10),
            5 => Self::Heartbeat(token(), 60),
            6 => Self::Complete(token(), Outcome::succeeded(None)),
            7 => Self::Requeue(names().0, names().1, target(input)?),
            8 => Self::Audit(names().0, names().1, None, 10),
            10 => {
                let done = maybe(input, |_| {
                    Ok(Completion {
                        claim_token: token(),
                        outcome: Outcome::succeeded(None),
                    })
                })?;
                Self::Advance(done, request, None, 10)
            }
            9 => Self::History(HistoryQuery {
                meta_table: Some(names().0),
                uid: Some(7),
                limit: 10,
                ..HistoryQuery::default()
            }),
            11 => Self::ItemsStatement(token()),
            12 => Self::Migrate,
            _ => Self::Notifications(text(input)?),
        })
    }

    /// Makes the call; the answer does not matter, only that there is one.
    pub fn make(&self, host: &Host) {
        let planner = Planner::new(host, Zero);
        match self {
            Self::Acquire(request, token) => {
                let _ = run(planner.acquire(request, token.as_deref()));
            }
            Self::AcquireMany(request, batches, token) => {
                let _ = run(planner.acquire_many(request, *batches, token.as_deref()));
            }
            Self::Advance(done, request, token, items) => {
                let _ = run(planner.advance(done.as_ref(), request, token.as_deref(), *items));
            }
            Self::Plan(request, after, batches) => {
                let _ = run(planner.plan(request, *after, *batches));
            }
            Self::Progress(request, cap) => {
                let _ = run(planner.progress(request, *cap));
            }
            Self::ItemsStatement(token) => {
                let _ = run(planner.items_statement(token));
            }
            Self::Items(token, after, limit) => {
                let _ = run(planner.items(token, *after, *limit));
            }
            Self::Heartbeat(token, seconds) => {
                let _ = run(planner.heartbeat(token, *seconds));
            }
            Self::Complete(token, outcome) => {
                let _ = run(planner.complete(token, outcome));
            }
            Self::Requeue(meta_table, job, target) => {
                let _ = run(planner.requeue(meta_table, job, target));
            }
            Self::Audit(meta_table, job, after, limit) => {
                let _ = run(planner.audit(meta_table, job, *after, *limit));
            }
            Self::History(query) => {
                let _ = run(planner.history(query));
            }
            Self::Jobs(query) => {
                let _ = run(planner.jobs(query));
            }
            Self::SchemaStatements(dialect) => {
                let _ = planner.schema_statements(*dialect);
            }
            Self::Notifications(meta_table) => {
                let _ = run(planner.notifications(meta_table));
            }
            Self::Migrate => {
                let _ = run(planner.migrate());
            }
        }
    }
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
        0 => RequeueTarget::Attempt(integer(input)?),
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
