//! Ending a batch, though its database may be away for a while.

use std::future::pending;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use batchintory::{AcquireRequest, Completion, Operations as _, Outcome};
use tokio::time::{Instant, timeout_at};

use crate::PlannerError;
use crate::batch::{Acquired, Batch, FIRST_ITEMS, Following};
use crate::error::Error;

/// How long the end of a batch without a lease is tried: as long as the command line's lease.
pub(crate) const WITHOUT_LEASE: Duration = Duration::from_secs(300);

/// The first pause, and the longest one.
pub(crate) const PAUSES: (Duration, Duration) =
    (Duration::from_millis(200), Duration::from_secs(5));

impl Batch {
    /// Ends the batch as [`end`](Self::end) does and, if it has succeeded, hands out the next of this request with
    /// it: where one database holds all, by a single statement. A batch that has failed, and one whose end
    /// the database does not take at once, is ended by itself.
    ///
    /// # Errors
    ///
    /// Those of [`end`](Self::end). Nothing is handed out then.
    pub async fn end_and_acquire(
        &self,
        outcome: &Outcome,
        request: &AcquireRequest,
        told: impl FnMut(&Error, Duration),
    ) -> Result<Following, Error> {
        let until = self.lease().map(|lease| lease.until());
        if outcome.succeeded && until.is_none_or(|until| until > Instant::now()) {
            let completion = Completion {
                claim_token: self.claim_token.clone(),
                outcome: outcome.clone(),
            };
            let over = async {
                match self.lease() {
                    Some(lease) => lease.over().await,
                    None => pending().await,
                }
            };
            let planner = self.planner();
            let ended = tokio::select! {
                ended = planner.advance_at(Some(&completion), request, None, FIRST_ITEMS) => ended,
                error = over => Err(error),
            };
            match ended {
                Ok((since, advanced)) => {
                    let acquired = Acquired::of(planner, request, since, advanced);
                    return Ok(Following::HandedOut(Box::new(acquired)));
                }
                Err(error) if may_pass(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.end(outcome, told).await?;
        Ok(Following::NotAsked)
    }

    /// Ends the batch. While its lease holds, or for five minutes where it has none, an end that the
    /// database does not take is tried again, with pauses by chance that get longer: the work is done, and
    /// the database may only be away. `told` hears why, and how long the pause is.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseOver`] when the lease is over before the database took the end;
    /// [`PlannerError::InvalidRequest`] at once, when it never will.
    pub async fn end(
        &self,
        outcome: &Outcome,
        mut told: impl FnMut(&Error, Duration),
    ) -> Result<(), Error> {
        let complete = || (self.planner()).complete(self.claim_token.clone(), outcome.clone());
        let Some(lease) = self.lease() else {
            let limit = Instant::now() + WITHOUT_LEASE;
            return try_again(complete, || limit, &mut told).await;
        };
        let start = Instant::now();
        if lease.until() <= start {
            // Nobody may have taken the batch yet: the database decides.
            return complete().await;
        }
        // Signs of life may get through where ends do not: that is no reason to go on for ever.
        let latest = start + lease.duration();
        let ended = tokio::select! {
            ended = try_again(complete, || lease.until().min(latest), &mut told) => ended,
            error = lease.over() => Err(error),
        };
        match ended {
            // A sign of life may get through just now, and then it is not over.
            Err(error) if may_pass(&error) && lease.until() <= latest => {
                Err(timeout_at(latest, lease.over()).await.unwrap_or(error))
            }
            ended => ended,
        }
    }
}

async fn try_again<F>(
    complete: impl FnMut() -> F,
    limit: impl Fn() -> Instant,
    told: &mut impl FnMut(&Error, Duration),
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_jitter()
        .without_max_times();
    complete
        .retry(pauses)
        .when(may_pass)
        .adjust(|_, pause| {
            let left = limit().saturating_duration_since(Instant::now());
            // The last try comes shortly before the limit.
            pause
                .filter(|_| left > PAUSES.0)
                .map(|pause| pause.min(left * 9 / 10))
        })
        .notify(|error, pause| told(error, pause))
        .await
}

/// Whether the same end may be taken later.
fn may_pass(error: &Error) -> bool {
    matches!(
        error,
        Error::Planner(
            PlannerError::Unavailable(_)
                | PlannerError::Database(_)
                | PlannerError::ExhaustedRetries(_)
        )
    )
}
