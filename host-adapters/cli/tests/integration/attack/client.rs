//! A client of the HTTP service that behaves: it processes batches, one after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use batchintory_tests::{Failure, HttpSubject};
use batchintory_wasmtime::batchintory::{Acquisition, Operations as _};
use batchintory_wasmtime::{AcquireRequest, Outcome};
use tokio::runtime::Runtime;

use crate::workplace::service::TOKEN;

use super::figures::Figures;
use super::scene::{JOB, LEASE_SECONDS, MAX_ATTEMPTS, MAX_COUNT};

/// The rest between two batches, and after a failure.
const REST: Duration = Duration::from_millis(50);

/// What it has seen.
#[derive(Default)]
struct Seen {
    requests: u64,
    repeated: u64,
    /// How long requests took while that counted.
    times: Vec<Duration>,
    /// What was answered instead while that counted.
    refusals: Vec<String>,
}

#[derive(Default)]
struct Shared {
    ends: AtomicBool,
    counts: AtomicBool,
    seen: Mutex<Seen>,
}

pub(super) struct Client {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Of a service at this URL, for good.
    pub(super) fn start(url: &str) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut work = Work {
            shared: shared.clone(),
            subject: HttpSubject::new(url, TOKEN),
            runtime: Runtime::new()?,
        };
        let thread = std::thread::spawn(move || {
            for number in 0.. {
                if work.shared.ends.load(Ordering::SeqCst) {
                    break;
                }
                work.process(&format!("claim-of-a-client-that-behaves-{number}"));
                std::thread::sleep(REST);
            }
        });
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Whether its requests must all succeed now.
    pub(super) fn count(&self, counts: bool) {
        self.shared.counts.store(counts, Ordering::SeqCst);
    }

    /// How many requests have been counted.
    pub(super) fn counted(&self) -> usize {
        let seen = self.shared.seen();
        seen.times.len() + seen.refusals.len()
    }

    /// The longest that a request took since so many were counted.
    pub(super) fn slowest_since(&self, counted: usize) -> Duration {
        let seen = self.shared.seen();
        let times = seen.times.iter().skip(counted);
        times.max().copied().unwrap_or_default()
    }

    /// How many requests were answered.
    pub(super) fn answered(&self) -> u64 {
        let seen = self.shared.seen();
        seen.requests - seen.repeated
    }

    /// Ends it, and tells what it has seen.
    pub(super) fn end(&mut self, figures: &mut Figures) {
        self.stop();
        let seen = std::mem::take(&mut *self.shared.seen());
        figures.requests = seen.requests;
        figures.repeated = seen.repeated;
        figures.times = seen.times;
        figures.refusals = seen.refusals;
    }

    fn stop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Work {
    shared: Arc<Shared>,
    subject: HttpSubject,
    runtime: Runtime,
}

impl Work {
    /// Processes a batch, if there is one.
    fn process(&mut self, claim_token: &str) {
        let request = AcquireRequest {
            max_count: Some(MAX_COUNT),
            max_attempts: MAX_ATTEMPTS,
            lease_seconds: Some(LEASE_SECONDS),
            ..AcquireRequest::new("files", JOB)
        };
        let token = || claim_token.to_owned();
        let acquired = self.call(async |subject: HttpSubject| {
            subject.acquire(request.clone(), Some(token())).await
        });
        if !matches!(acquired, Some(Acquisition::Batch(_))) {
            return;
        }
        self.call(async |subject: HttpSubject| subject.items(token(), None, 100).await);
        let outcome = Outcome::succeeded(None);
        self.call(async |subject: HttpSubject| subject.complete(token(), outcome.clone()).await);
    }

    /// Calls until the service answers. Gives nothing where the batch is another's by now, or this ends.
    fn call<T>(&mut self, call: impl AsyncFn(HttpSubject) -> Result<T, Failure>) -> Option<T> {
        loop {
            let counts = self.shared.counts.load(Ordering::SeqCst);
            let start = Instant::now();
            let answer = self.runtime.block_on(call(self.subject.clone()));
            let took = start.elapsed();
            let counts = counts && self.shared.counts.load(Ordering::SeqCst);
            let mut seen = self.shared.seen();
            seen.requests += 1;
            let failure = match answer {
                Ok(answer) => {
                    if counts {
                        seen.times.push(took);
                    }
                    return Some(answer);
                }
                Err(failure) => failure,
            };
            if is_of_another(&failure) {
                return None;
            }
            if counts || !passes(&failure) {
                seen.refusals.push(format!("{failure:?}"));
            }
            if !passes(&failure) {
                return None;
            }
            seen.repeated += 1;
            drop(seen);
            if self.shared.ends.load(Ordering::SeqCst) {
                return None;
            }
            std::thread::sleep(REST);
        }
    }
}

/// Whether its lease ran out while the service was down.
fn is_of_another(failure: &Failure) -> bool {
    failure.name == "superseded"
}

/// Whether it is told while the service or its database is down, or its disk full.
fn passes(failure: &Failure) -> bool {
    // What the service cannot tell is the test's own.
    ["test", "unavailable", "database", "exhausted-retries"].contains(&failure.name.as_str())
}
