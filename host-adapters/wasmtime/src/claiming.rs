//! Claiming a batch, though its database may be away for a while.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use batchintory::{AcquireRequest, Random as _};
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::PlannerError;
use crate::batch::{Acquired, Following};
use crate::database::SystemRandom;
use crate::ending::{PAUSES, WITHOUT_LEASE};
use crate::error::Error;
use crate::inventory::Inventory;

/// How long a worker that has reached its databases before waits for them where they are away: as long as its
/// lease lasts, or for five minutes where it has none.
pub fn patience(request: &AcquireRequest) -> Duration {
    match request.lease_seconds {
        Some(seconds) => Duration::from_secs(seconds.into()),
        None => WITHOUT_LEASE,
    }
}

impl Following {
    /// What was handed out, now if it was not yet.
    pub async fn or_acquire(
        self,
        inventory: &Inventory,
        request: &AcquireRequest,
    ) -> Result<Acquired, Error> {
        match self {
            Self::HandedOut(acquired) => *acquired,
            Self::NotAsked => inventory.acquire(request).await,
        }
    }

    /// What was handed out, now if it was not yet. A database that is away is waited for as long as `patience`
    /// says, with pauses that get longer, unless `stopped` comes first; `told` hears why, and how long each pause is.
    ///
    /// # Errors
    ///
    /// Those of the claim.
    pub async fn or_acquire_within(
        self,
        patience: Duration,
        (inventory, request): (&Inventory, &AcquireRequest),
        stopped: impl Future<Output = ()>,
        mut told: impl FnMut(&Error, Duration),
    ) -> Result<Acquired, Error> {
        let limit = Instant::now() + patience;
        let mut stopped = pin!(stopped);
        let mut pause = PAUSES.0;
        let mut claimed = self.or_acquire(inventory, request).await;
        // The answer to a claim may be lost again and again: under one token they are all one claim.
        let [high, low] = SystemRandom.random();
        let token = format!("{high:016x}{low:016x}");
        while let Err(error @ Error::Planner(PlannerError::Unavailable(_))) = &claimed {
            if Instant::now() + pause > limit {
                break;
            }
            told(error, pause);
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
            claimed = inventory.acquire_with_token(request, &token).await;
        }
        claimed
    }

    /// As [`or_acquire_within`](Self::or_acquire_within), for a loop: one that `has_reached` its databases before waits
    /// for them.
    pub(crate) async fn or_acquire_in_loop(
        self,
        inventory: &Inventory,
        request: &AcquireRequest,
        has_reached: &mut bool,
    ) -> Result<Acquired, Error> {
        let patience = match has_reached {
            true => patience(request),
            false => Duration::ZERO,
        };
        let told = |error: &Error, pause: Duration| {
            let seconds = pause.as_secs_f32();
            warn!("no batch can be claimed now, which is tried again in {seconds:.1} s: {error}");
        };
        let acquired = self
            .or_acquire_within(patience, (inventory, request), pending(), told)
            .await?;
        *has_reached = true;
        Ok(acquired)
    }
}
