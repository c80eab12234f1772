//! What workers do, and what they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use batchintory::{
    AcquireRequest, Acquisition, Batch, Completion, Error, IdRange, JobSummary, JobsQuery,
    OnChange, Outcome, Planner, RequeueTarget,
};

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

pub(crate) type SimulatedPlanner = Planner<Link, Tokens>;

pub(crate) fn planner(link: Link, random: &mut Random) -> SimulatedPlanner {
    Planner::new(link, Tokens(Mutex::new(random.fork())))
}

/// A worker's planner, in a host that may drop a call.
pub(crate) struct Caller {
    pub(crate) planner: SimulatedPlanner,
    pub(crate) link: Link,
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
pub(crate) async fn work(caller: Caller, shared: Shared, mut random: Random, actions: u64) {
    let Caller { planner, link } = &caller;
    for _ in 0..actions {
        let job = random.index(shared.jobs.len());
        let Some(request) = shared.jobs.get(job) else {
            return;
        };
        match random.below(20) {
            0..10 => {
                for batch in claim(&caller, &shared, request, &mut random).await {
                    if random.percent(15) {
                        // Forgotten, or given to somebody who is late: a zombie may come back.
                        continue;
                    }
                    if random.percent(30) {
                        let beat = planner.heartbeat(&batch.claim_token, 60);
                        let beat = link.unless_trapped(beat).await;
                        note(&shared, &batch.claim_token, None, beat);
                    }
                    end(&caller, &shared, &batch, &mut random).await;
                }
            }
            10..15 => {
                // A zombie, or an owner who ends a batch again.
                let known = {
                    let told = shared.told();
                    told.batches.get(random.index(told.batches.len())).cloned()
                };
                if let Some(batch) = known {
                    end(&caller, &shared, &batch, &mut random).await;
                }
            }
            15 => {
                let start = 1 + i64::try_from(random.below(30)).unwrap_or_default();
                let known = {
                    let told = shared.told();
                    (told.batches.get(random.index(told.batches.len()))).map(|batch| batch.id)
                };
                let target = match random.below(3) {
                    0 => RequeueTarget::Exhausted,
                    1 => RequeueTarget::Batch(known.unwrap_or(start)),
                    _ => RequeueTarget::Ids(vec![IdRange {
                        id_start: start,
                        id_end: start + 5,
                    }]),
                };
                shared.told().requeued = true;
                let requeued = planner.requeue(scope(request), &request.job, &target);
                let requeued = link.unless_trapped(requeued).await;
                note(&shared, "", None, requeued.map(drop));
            }
            16 => note(
                &shared,
                "",
                None,
                (link.unless_trapped(planner.plan(request, None, 3)).await).map(drop),
            ),
            17 => note(
                &shared,
                "",
                None,
                (link.unless_trapped(planner.progress(request, 100)).await).map(drop),
            ),
            18 => {
                let audit = planner.audit(scope(request), &request.job, None, 10);
                let audit = link.unless_trapped(audit).await;
                note(&shared, "", None, audit.map(drop));
            }
            _ => note(
                &shared,
                "",
                None,
                link.unless_trapped(planner.jobs(&JobsQuery::default()))
                    .await
                    .map(drop),
            ),
        }
    }
}

async fn claim(
    caller: &Caller,
    shared: &Shared,
    request: &AcquireRequest,
    random: &mut Random,
) -> Vec<Batch> {
    let Caller { planner, link } = caller;
    let request = &changed(request, shared, random);
    let many = random.percent(20);
    let token = random
        .percent(30)
        .then(|| format!("own {:x}", random.next()));
    // A caller with a token of its own asks again until it is told.
    let tries = if token.is_some() { 4 } else { 1 };
    for _ in 0..tries {
        let claimed = if many {
            link.unless_trapped(planner.acquire_many(request, 3, token.as_deref()))
                .await
        } else if random.percent(50) {
            advance(caller, shared, request, token.as_deref(), random).await
        } else {
            let acquisition = planner.acquire(request, token.as_deref());
            let acquisition = link.unless_trapped(acquisition).await;
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
    Caller { planner, link }: &Caller,
    shared: &Shared,
    request: &AcquireRequest,
    token: Option<&str>,
    random: &mut Random,
) -> Result<Vec<Batch>, Error> {
    let known = {
        let told = shared.told();
        told.batches.get(random.index(told.batches.len())).cloned()
    };
    let succeeded = random.percent(60);
    let done = (known.filter(|_| random.percent(60))).map(|batch| Completion {
        claim_token: batch.claim_token,
        outcome: outcome(succeeded),
    });
    let advanced = planner.advance(done.as_ref(), request, token, 2);
    let advanced = link.unless_trapped(advanced).await;
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

async fn end(caller: &Caller, shared: &Shared, batch: &Batch, random: &mut Random) {
    let Caller { planner, link } = caller;
    let succeeded = random.percent(60);
    let outcome = outcome(succeeded);
    let ended = planner.complete(&batch.claim_token, &outcome);
    let ended = link.unless_trapped(ended).await;
    note(shared, &batch.claim_token, Some(succeeded), ended);
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
