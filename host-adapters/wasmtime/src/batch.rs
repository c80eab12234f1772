//! A batch in the hands of its owner.

use std::fmt::Display;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use batchintory::{
    AcquireRequest, Acquisition, Advanced, Batch as BatchRecord, Item, Nothing, Operations as _,
    Outcome, RunningBatch,
};
use serde::Serialize;
use tokio::time::Instant;
use tracing::warn;

use crate::PlannerError;
use crate::error::Error;
use crate::heartbeat::Heartbeat;
use crate::item_pages::ItemPages;
use crate::lease::Lease;
use crate::planner_pool::PlannerPool;

/// How many of a batch's items come with it.
pub(crate) const FIRST_ITEMS: u32 = 1_000;

/// The log of a batch that had nothing to process.
const NO_ITEMS: &str = "no items: the rows of this range are gone";

/// What [`Inventory::acquire`](crate::Inventory::acquire) gives.
#[derive(Debug)]
pub enum Acquired {
    /// A batch: process its items, then let it succeed or fail.
    Batch(Batch),
    /// Nothing to do.
    Nothing(Nothing),
}

impl Acquired {
    /// What a call handed out whose turn among the claims came at this time.
    pub(crate) fn of(
        planner: &PlannerPool,
        request: &AcquireRequest,
        since: Instant,
        advanced: Advanced,
    ) -> Result<Self, Error> {
        let acquired = advanced.next.map_err(Error::Planner)?;
        Ok(match acquired.acquisition {
            Acquisition::Batch(record) => {
                let batch = Batch::new(planner.clone(), record, request, since);
                Self::Batch(Batch {
                    first_items: acquired.items,
                    ..batch
                })
            }
            Acquisition::Nothing(nothing) => Self::Nothing(nothing),
        })
    }
}

/// What follows a batch that has ended, by [`Batch::end_and_acquire`](crate::Batch::end_and_acquire).
#[derive(Debug)]
#[must_use = "a batch that is dropped stays running"]
pub enum Following {
    /// What was handed out with its end, or why nothing could be.
    HandedOut(Box<Result<Acquired, Error>>),
    /// Nothing was asked for yet: the batch was ended by itself.
    NotAsked,
}

/// A batch in the hands of its owner; its record by `Deref`.
///
/// It ends by [`succeed`](Self::succeed), [`fail`](Self::fail), [`release`](Self::release) or [`process`](Self::process). One that
/// is dropped stays `running` in the inventory, until its lease is over if it has one.
#[derive(Debug)]
#[must_use = "a batch that is dropped stays running; let it succeed or fail"]
pub struct Batch {
    planner: PlannerPool,
    record: BatchRecord,
    lease: Option<Arc<Lease>>,
    /// Those that came with the claim.
    first_items: Vec<Item>,
}

impl Deref for Batch {
    type Target = BatchRecord;

    fn deref(&self) -> &BatchRecord {
        &self.record
    }
}

impl Batch {
    /// One that was handed out for this request, at this time or later.
    pub(crate) fn new(
        planner: PlannerPool,
        record: BatchRecord,
        request: &AcquireRequest,
        since: Instant,
    ) -> Self {
        let lease = (request.lease_seconds).map(|seconds| Lease::new(seconds, since));
        Self::leased(planner, record, lease)
    }

    /// One that was found by its claim token, which was asked for at this time.
    pub(crate) fn found(planner: PlannerPool, found: RunningBatch, asked: Instant) -> Self {
        let lease = found.lease;
        let lease = lease.map(|lease| Lease::with_left(lease.seconds, lease.left, asked));
        Self::leased(planner, found.batch, lease)
    }

    fn leased(planner: PlannerPool, record: BatchRecord, lease: Option<Lease>) -> Self {
        Self {
            planner,
            record,
            lease: lease.map(Arc::new),
            first_items: Vec::new(),
        }
    }

    /// Its record, for whoever names it by its claim token from now on.
    pub fn into_record(self) -> BatchRecord {
        self.record
    }

    pub(crate) fn planner(&self) -> &PlannerPool {
        &self.planner
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.lease.as_deref()
    }

    /// Prolongs the batch's lease in the background for as long as what this gives back lives.
    /// Without a lease there is nothing to do. Must be called within a tokio runtime.
    pub fn keep_alive(&self) -> Heartbeat {
        match &self.lease {
            Some(lease) => Heartbeat::start(
                self.planner.clone(),
                self.record.claim_token.clone(),
                lease.clone(),
            ),
            None => Heartbeat::none(),
        }
    }

    /// All items, in the order of their ids. For batches of very many items see
    /// [`pages`](Self::pages).
    pub async fn items(&self) -> Result<Vec<Item>, Error> {
        self.pages().all().await
    }

    /// The items page by page. The first page may be shorter: it came with the claim.
    pub fn pages(&self) -> ItemPages {
        let Self {
            planner,
            record,
            first_items,
            ..
        } = self;
        ItemPages::new(
            planner.clone(),
            record.claim_token.clone(),
            Some(record.id_end),
            first_items.clone(),
        )
    }

    /// A page of items: up to `limit` (1 to 10,000) items with ids above `after`, or about a MiB of them. An empty
    /// page is the end.
    pub async fn items_after(&self, after: Option<i64>, limit: u32) -> Result<Vec<Item>, Error> {
        let token = self.record.claim_token.clone();
        self.planner.items(token, after, limit).await
    }

    /// All items are processed.
    ///
    /// Here and below, an end that the database does not take is tried again while the lease holds, as by
    /// [`end`](Self::end). On an error the batch is still its owner's to end, unless it
    /// [is a loss](Error::is_loss): a call may be repeated.
    pub async fn succeed(&self) -> Result<(), Error> {
        self.end_alone(Outcome::succeeded(None)).await
    }

    /// All items are processed, with this result.
    pub async fn succeed_with<T: Serialize>(&self, result: &T) -> Result<(), Error> {
        self.end_alone(with_result(result)?).await
    }

    /// The batch is given up, for this reason.
    pub async fn fail(&self, reason: impl Display) -> Result<(), Error> {
        self.end_alone(Outcome::failed(reason.to_string())).await
    }

    /// The batch is given back, for this reason, as by a worker that is told to stop: its range is
    /// handed out again at once, and the attempt does not count towards `max_attempts`. Unlike other
    /// ends it is tried once.
    pub async fn release(&self, reason: impl Display) -> Result<(), Error> {
        let token = self.record.claim_token.clone();
        self.planner.release(token, Some(reason.to_string())).await
    }

    /// Processes the items, and lets the batch succeed or fail by the result of `work`, which is
    /// handed on. A value becomes the batch's result, an error its log; a result that cannot be kept fails
    /// the batch, and is an error. Without items, since the range's rows are gone, the batch succeeds and
    /// `work` is not called: the value is none.
    ///
    /// Meanwhile the lease is prolonged. When the batch is not its owner's any more all the same, `work` is
    /// dropped where it waits, and the error is
    /// [`PlannerError::Superseded`](crate::PlannerError::Superseded),
    /// [`PlannerError::NoSuchBatch`](crate::PlannerError::NoSuchBatch) where the database has lost it, or
    /// [`Error::LeaseOver`] where no sign of life got through for as long as the lease.
    ///
    /// ```
    /// # async fn example(batch: batchintory_wasmtime::Batch) -> Result<(), batchintory_wasmtime::Error> {
    /// let lines = batch
    ///     .process(async |items| {
    ///         let mut lines = 0;
    ///         for item in items {
    ///             let path = item.item.unwrap_or_default();
    ///             lines += std::fs::read_to_string(path)?.lines().count();
    ///         }
    ///         Ok::<usize, std::io::Error>(lines)
    ///     })
    ///     .await?;
    /// # drop(lines);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn process<F, Fut, T, E>(self, work: F) -> Result<Result<Option<T>, E>, Error>
    where
        F: FnOnce(Vec<Item>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        T: Serialize,
        E: Display,
    {
        let (processed, _) = self.process_before(None, work).await?;
        Ok(processed)
    }

    /// The same, and what follows: where a request is given, the next batch of it may be handed out with the
    /// end.
    pub(crate) async fn process_before<F, Fut, T, E>(
        self,
        next: Option<&AcquireRequest>,
        work: F,
    ) -> Result<(Result<Option<T>, E>, Following), Error>
    where
        F: FnOnce(Vec<Item>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        T: Serialize,
        E: Display,
    {
        // The lease goes on while the end is tried.
        let mut heartbeat = self.keep_alive();
        let items = tokio::select! {
            biased;
            error = heartbeat.lost() => return Err(error),
            items = self.items() => items?,
        };
        if items.is_empty() {
            let outcome = Outcome {
                log: Some(NO_ITEMS.into()),
                ..Outcome::succeeded(None)
            };
            let following = self.end_before(next, outcome).await?;
            return Ok((Ok(None), following));
        }
        let outcome = tokio::select! {
            biased;
            error = heartbeat.lost() => return Err(error),
            outcome = work(items) => outcome,
        };
        let following = match &outcome {
            Ok(result) => self.succeed_before(next, result).await?,
            Err(reason) => {
                match self.fail(reason).await {
                    // The reason's own letters may be none of the database's.
                    Err(error) if is_refused(&error) => self.fail(&error).await?,
                    ended => ended?,
                }
                Following::NotAsked
            }
        };
        Ok((outcome.map(Some), following))
    }

    /// A result that cannot be kept fails the batch.
    async fn succeed_before<T: Serialize>(
        &self,
        next: Option<&AcquireRequest>,
        result: &T,
    ) -> Result<Following, Error> {
        let ended = match with_result(result) {
            Ok(outcome) => self.end_before(next, outcome).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &ended
            && is_refused(error)
        {
            self.fail(error).await?;
        }
        ended
    }

    /// Ends the batch, where a request is given with the claim of the next.
    pub(crate) async fn end_before(
        &self,
        next: Option<&AcquireRequest>,
        outcome: Outcome,
    ) -> Result<Following, Error> {
        match next {
            Some(request) => {
                let told = |error: &Error, pause| self.warn_of_another_try(error, pause);
                self.end_and_acquire(&outcome, request, told).await
            }
            None => {
                self.end_alone(outcome).await?;
                Ok(Following::NotAsked)
            }
        }
    }

    async fn end_alone(&self, outcome: Outcome) -> Result<(), Error> {
        let told = |error: &Error, pause| self.warn_of_another_try(error, pause);
        self.end(&outcome, told).await
    }

    fn warn_of_another_try(&self, error: &Error, pause: Duration) {
        warn!(%error, ?pause, batch = self.record.id, "a batch cannot be ended yet");
    }
}

fn with_result<T: Serialize>(result: &T) -> Result<Outcome, Error> {
    let result = serde_json::to_string(result).map_err(Error::Result)?;
    Ok(Outcome::succeeded(Some(result)))
}

/// Whether a result was not taken, as it would not be the next time.
fn is_refused(error: &Error) -> bool {
    matches!(
        error,
        Error::Result(_) | Error::Planner(PlannerError::InvalidRequest(_))
    )
}
