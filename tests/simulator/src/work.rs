//! What workers do, and what they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use batchintory::{
    AcquireRequest, Acquisition, Answer, Batch, Call, Completion, Error, HistoryQuery, IdRange,
    JobSummary, JobsQuery, OnChange, Operations, Outcome, Planner, Queue, RequeueTarget,
};

use crate::faults::Counts;
use crate::invariants::{LEAST_WEIGHT, READY_AGE};
use crate::random::Random;
use crate::schedule::Link;

/// What the workers were told, for the checks afterwards.
#[derive(Default)]
pub(crate) struct Told {
    /// Batches that were handed out, to whoever got them: any of them may be ended, by a zombie too.
    pub(crate) batches: Vec<Batch>,
    /// Ends that were confirmed: the token, and whether it succeeded.
    pub(crate) ended: Vec<(String, bool)>,
    /// Tokens whose owners were told that the batch is not theirs any more.
    pub(crate) superseded: Vec<String>,
    /// Whether anything was requeued.
    pub(crate) requeued: bool,
    /// Claims under tokens of the caller's own, with what they gave.
    pub(crate) own_tokens: Vec<(String, i64)>,
    /// The items of batches, read at the end.
    pub(crate) items: Vec<(String, Vec<i64>)>,
    /// The jobs, once nobody changes anything.
    pub(crate) jobs: Vec<JobSummary>,
    /// Errors that no fault explains.
    pub(crate) surprises: Vec<String>,
    /// The calls that were answered.
    pub(crate) calls: Counts,
}

/// What the workers of a run share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) jobs: Arc<Vec<AcquireRequest>>,
    told: Arc<Mutex<Told>>,
}

impl Shared {
    pub(crate) fn new(jobs: Vec<AcquireRequest>) -> Self {
        Self {
            jobs: Arc::new(jobs),
            told: Arc::default(),
        }
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Randomness for claim tokens that depends on the seed.
pub(crate) struct Tokens(Mutex<Random>);

impl batchintory::Random for Tokens {
    fn random(&self) -> [u64; 2] {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        [random.next(), random.next()]
    }
}

/// Whoever calls the planner, in a host that may drop a call.
pub(crate) struct Caller {
    planner: Planner<Link, Tokens>,
    link: Link,
    shared: Shared,
}

impl Caller {
    pub(crate) fn new(link: Link, shared: &Shared, random: &mut Random) -> Self {
        Self {
            planner: Planner::new(link.clone(), Tokens(Mutex::new(random.fork()))),
            link,
            shared: shared.clone(),
        }
    }
}

impl Operations for Caller {
    type Error = Error;

    async fn call(&self, call: Call) -> Result<Answer, Error> {
        let name = call.name();
        let answer = self.link.unless_trapped(self.planner.call(call)).await?;
        self.shared.told().calls.count_call(name);
        Ok(answer)
    }
}

/// The table that a job's scope is named after.
fn scope(request: &AcquireRequest) -> &str {
    match request.source_job {
        Some(_) => "inventory",
        None => &request.meta_table,
    }
}

/// The filter of those jobs that have one: of some, rows must be old enough too.
pub(crate) fn filter(random: &mut Random) -> String {
    let heavy_enough = format!(r#"{{"column": "weight", "op": ">=", "value": {LEAST_WEIGHT:?}}}"#);
    if random.percent(50) {
        format!(r#"{{"all": [{heavy_enough}, {}]}}"#, age("older"))
    } else {
        heavy_enough
    }
}

/// Whether a row is on this side of the age from which on rows are ready.
pub(crate) fn age(side: &str) -> String {
    format!(r#"{{"column": "modified", "op": "{side}-than-seconds", "value": {READY_AGE}}}"#)
}

/// The request as somebody asks who does not know how the others do. Where the job refuses changes, it has
/// something to compare with.
fn changed(request: &AcquireRequest, shared: &Shared, random: &mut Random) -> AcquireRequest {
    let is_known = {
        let told = shared.told();
        (told.batches.iter()).any(|batch| batch.job == request.job)
    };
    let (may_change, often) = match request.on_change {
        OnChange::Accept => (request.source_job.is_none(), 50),
        OnChange::Refuse => (request.source_job.is_none() && is_known, 5),
    };
    let mut request = request.clone();
    if may_change && random.percent(often) {
        let filter = filter(random);
        request.filter = random.percent(50).then_some(filter);
    }
    request
}

/// Claims, processes and ends batches for a while, as users do, with all they may do wrong.
pub(crate) async fn work(caller: Caller, mut random: Random, actions: u64) {
    let shared = &caller.shared;
    for _ in 0..actions {
        let job = random.index(shared.jobs.len());
        let Some(request) = shared.jobs.get(job) else {
            return;
        };
        match random.below(20) {
            0..10 => {
                for batch in claim(&caller, request, &mut random).await {
                    if random.percent(15) {
                        // Forgotten, or given to somebody who is late: a zombie may come back.
                        continue;
                    }
                    if random.percent(30) {
                        let beat = caller.heartbeat(batch.claim_token.clone(), 60).await;
                        note(shared, &batch.claim_token, None, beat);
                    }
                    if random.percent(10) {
                        release(&caller, &batch).await;
                    } else {
                        end(&caller, &batch, &mut random).await;
                    }
                }
            }
            10..15 => {
                // A zombie, or an owner who ends a batch again.
                if let Some(batch) = any_batch(shared, &mut random) {
                    end(&caller, &batch, &mut random).await;
                }
            }
            15 => go_on(&caller, &mut random).await,
            16 => {
                let target = target(shared, &mut random);
                shared.told().requeued = true;
                let (meta_table, job) = (scope(request).to_owned(), request.job.clone());
                let requeued = caller.requeue(meta_table, job, target).await;
                note(shared, "", None, requeued.map(drop));
            }
            _ => {
                let look = look(shared, request, &mut random);
                note(shared, "", None, caller.call(look).await.map(drop));
            }
        }
    }
}

/// Gives a batch back.
async fn release(caller: &Caller, batch: &Batch) {
    let token = &batch.claim_token;
    let released = caller.release(token.clone(), None).await;
    note(&caller.shared, token, Some(false), released);
}

/// Goes on with a batch by its token alone, as another process may.
async fn go_on(caller: &Caller, random: &mut Random) {
    let shared = &caller.shared;
    let Some(batch) = any_batch(shared, random) else {
        return;
    };
    let token = &batch.claim_token;
    let has_ended = (shared.told().ended.iter()).any(|(ended, _)| ended == token);
    let found = caller.batch(token.clone()).await;
    match &found {
        Ok(_) if has_ended => {
            let surprise = format!("{token} has ended, and is given as a batch that runs");
            shared.told().surprises.push(surprise);
        }
        Ok(found) if found.batch != batch => {
            let surprise = format!("{token} is {batch:?}, and was found as {found:?}");
            shared.told().surprises.push(surprise);
        }
        _ => {}
    }
    let runs = found.is_ok();
    note(shared, token, None, found.map(drop));
    if runs && random.percent(70) {
        end(caller, &batch, random).await;
    }
}

/// Any of the batches that were handed out.
fn any_batch(shared: &Shared, random: &mut Random) -> Option<Batch> {
    let told = shared.told();
    told.batches.get(random.index(told.batches.len())).cloned()
}

/// What may be handed out again.
fn target(shared: &Shared, random: &mut Random) -> RequeueTarget {
    let start = 1 + i64::try_from(random.below(30)).unwrap_or_default();
    let known = any_batch(shared, random).map(|batch| batch.id);
    match random.below(3) {
        0 => RequeueTarget::Exhausted,
        1 => RequeueTarget::Batch(known.unwrap_or(start)),
        _ => RequeueTarget::Ids(vec![IdRange {
            id_start: start,
            id_end: start + 5,
        }]),
    }
}

/// A call that only looks.
fn look(shared: &Shared, request: &AcquireRequest, random: &mut Random) -> Call {
    let (meta_table, job) = (scope(request).to_owned(), request.job.clone());
    let request = request.clone();
    let batch = any_batch(shared, random);
    match (random.below(9), batch) {
        (0, _) => Call::Plan {
            request,
            after: None,
            batches: 3,
        },
        (1, _) => Call::Progress { request, cap: 100 },
        (2, _) => Call::Warnings { request },
        (3, _) => Call::Audit {
            meta_table,
            job,
            after: None,
            limit: 10,
        },
        (4, _) => Call::History {
            query: HistoryQuery {
                uid: random.percent(50).then_some(7),
                queue: random.percent(50).then_some(Queue::Running),
                details: random.percent(50),
                claim_tokens: random.percent(50),
                meta_table: Some(meta_table),
                job: Some(job),
                ..HistoryQuery::default()
            },
        },
        (5, Some(batch)) => Call::Items {
            claim_token: batch.claim_token,
            after: None,
            limit: 2,
        },
        (6, Some(batch)) => Call::ItemsStatement {
            claim_token: batch.claim_token,
        },
        // As every program may that starts.
        (7, _) => Call::Migrate {},
        _ => Call::Jobs {
            query: JobsQuery::default(),
        },
    }
}

async fn claim(caller: &Caller, request: &AcquireRequest, random: &mut Random) -> Vec<Batch> {
    let shared = &caller.shared;
    let request = &changed(request, shared, random);
    let many = random.percent(20);
    let token = random
        .percent(30)
        .then(|| format!("own {:x}", random.next()));
    // A caller with a token of its own asks again until it is told.
    let tries = if token.is_some() { 4 } else { 1 };
    for _ in 0..tries {
        let claimed = if many {
            (caller.acquire_many(request.clone(), 3, token.clone())).await
        } else if random.percent(50) {
            advance(caller, request, token.clone(), random).await
        } else {
            let acquisition = caller.acquire(request.clone(), token.clone()).await;
            acquisition.map(|acquisition| match acquisition {
                Acquisition::Batch(batch) => vec![batch],
                Acquisition::Nothing(_) => Vec::new(),
            })
        };
        match claimed {
            Ok(batches) => {
                let mut told = shared.told();
                told.batches.extend(batches.iter().cloned());
                for batch in batches.iter().filter(|_| token.is_some()) {
                    told.own_tokens.push((batch.claim_token.clone(), batch.id));
                }
                return batches;
            }
            Err(error) => note(shared, "", None, Err(error)),
        }
    }
    Vec::new()
}

/// Ends any batch that is known, and claims the next.
async fn advance(
    caller: &Caller,
    request: &AcquireRequest,
    token: Option<String>,
    random: &mut Random,
) -> Result<Vec<Batch>, Error> {
    let shared = &caller.shared;
    let known = any_batch(shared, random);
    let succeeded = random.percent(60);
    let done = (known.filter(|_| random.percent(60))).map(|batch| Completion {
        claim_token: batch.claim_token,
        outcome: outcome(succeeded),
    });
    let advanced = caller
        .advance(done.clone(), request.clone(), token, 2)
        .await;
    if let Some(done) = &done {
        let ended = advanced.as_ref().map(drop).map_err(Error::clone);
        note(shared, &done.claim_token, Some(succeeded), ended);
    }
    let acquired = advanced?.next?;
    Ok(match acquired.acquisition {
        Acquisition::Batch(batch) => vec![batch],
        Acquisition::Nothing(_) => Vec::new(),
    })
}

fn outcome(succeeded: bool) -> Outcome {
    if succeeded {
        Outcome::succeeded(None)
    } else {
        Outcome::failed("no luck")
    }
}

async fn end(caller: &Caller, batch: &Batch, random: &mut Random) {
    let succeeded = random.percent(60);
    let token = batch.claim_token.clone();
    let ended = caller.complete(token, outcome(succeeded)).await;
    note(&caller.shared, &batch.claim_token, Some(succeeded), ended);
}

/// Remembers an answer.
fn note(shared: &Shared, token: &str, ended: Option<bool>, answer: Result<(), Error>) {
    let mut told = shared.told();
    match (answer, ended) {
        (Ok(()), Some(succeeded)) => told.ended.push((token.to_owned(), succeeded)),
        (Ok(()), None) => {}
        (Err(Error::Superseded(_)), _) => told.superseded.push(token.to_owned()),
        // What faults and other workers explain.
        (Err(Error::Unavailable(_) | Error::ExhaustedRetries(_)), _) => {}
        // What it is asked otherwise than before.
        (Err(Error::ConfigurationChanged(_)), _) => {}
        (Err(error), _) => told.surprises.push(format!("{}: {error}", error.name())),
    }
}
