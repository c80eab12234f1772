//! A batch's lease as its owner sees it: by a clock of the owner's own, which never goes back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::error::Error;

/// Until when the batch is surely its owner's.
#[derive(Debug)]
pub(crate) struct Lease {
    seconds: u32,
    until: Mutex<Instant>,
}

impl Lease {
    /// By a claim that was asked for at this time. The database has counted from a later one, so the lease
    /// is over here before it is there.
    pub(crate) fn new(seconds: u32, asked: Instant) -> Self {
        Self::with_left(seconds, seconds, asked)
    }

    /// Of which so many seconds were left when it was asked for at this time.
    pub(crate) fn with_left(seconds: u32, left: u32, asked: Instant) -> Self {
        Self {
            seconds,
            until: Mutex::new(asked + Duration::from_secs(left.into())),
        }
    }

    /// How long it goes on from each sign of life.
    pub(crate) fn seconds(&self) -> u32 {
        self.seconds
    }

    /// The same.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// A sign of life that was sent at this time got through.
    pub(crate) fn prolong(&self, sent: Instant) {
        let mut until = self.lock();
        *until = (*until).max(sent + self.duration());
    }

    /// When it is over, unless another sign of life gets through.
    pub(crate) fn until(&self) -> Instant {
        *self.lock()
    }

    /// Waits until it is over.
    pub(crate) async fn over(&self) -> Error {
        loop {
            let until = self.until();
            if until <= Instant::now() {
                return Error::LeaseOver {
                    seconds: self.seconds,
                };
            }
            sleep_until(until).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
