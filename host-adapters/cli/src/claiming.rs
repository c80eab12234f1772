//! Claiming a batch, though the database may be away for a while.

use std::pin::pin;
use std::time::Duration;

use batchintory_wasmtime::batchintory::Random as _;
use batchintory_wasmtime::{
    AcquireRequest, Acquired, Error, Following, Inventory, PlannerError, SystemRandom,
};
use tokio::time::{Instant, sleep};

/// The first pause, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Claims a batch, unless one was handed out with the end of another. A database that is away is waited for as long as `patience` says, unless `stopped` comes
/// first; `told` hears why, and how long each pause is.
///
/// # Errors
///
/// Those of the claim.
pub async fn claim(
    (inventory, request): (&Inventory, &AcquireRequest),
    following: Following,
    patience: Duration,
    stopped: impl Future<Output = ()>,
    mut told: impl FnMut(&Error, Duration),
) -> Result<Acquired, Error> {
    let limit = Instant::now() + patience;
    let mut stopped = pin!(stopped);
    let mut pause = PAUSES.0;
    let mut claimed = following.or_acquire(inventory, request).await;
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
