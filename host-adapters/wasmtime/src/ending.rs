//! Ending a batch, though its database may be away for a while.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use batchintory::Outcome;
use tokio::time::{Instant, timeout_at};

use crate::PlannerError;
use crate::batch::Batch;
use crate::error::Error;

/// How long the end of a batch without a lease is tried: as long as the command line's lease.
const WITHOUT_LEASE: Duration = Duration::from_secs(300);

/// The first pause, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

impl Batch {
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
        let complete = || self.inventory().complete(&self.claim_token, outcome);
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
