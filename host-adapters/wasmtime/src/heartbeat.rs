//! Signs of life in the background.

use std::future::pending;
use std::sync::Arc;

use batchintory::Operations as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use crate::error::Error;
use crate::lease::Lease;
use crate::planner_pool::PlannerPool;

/// How often a lease is prolonged before it would be over: one sign of life may get lost.
const BEATS_PER_LEASE: u32 = 3;
/// By this factor the next one follows sooner after one that got lost.
const SOONER: u32 = 4;

/// Prolongs a batch's lease for as long as it lives.
#[must_use = "the lease is prolonged only for as long as this lives"]
#[derive(Debug)]
pub struct Heartbeat {
    beating: Option<Beating>,
}

#[derive(Debug)]
struct Beating {
    lease: Arc<Lease>,
    task: JoinHandle<()>,
    /// Why the batch is lost, as a beat was told.
    lost: oneshot::Receiver<Error>,
}

impl Heartbeat {
    /// For a batch without a lease.
    pub(crate) fn none() -> Self {
        Self { beating: None }
    }

    /// Beats in a task of its own, so that work which keeps its thread busy does not hold it up.
    pub(crate) fn start(planner: PlannerPool, claim_token: String, lease: Arc<Lease>) -> Self {
        let (sender, lost) = oneshot::channel();
        let own = lease.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = own.over() => {}
                error = beat(&planner, &claim_token, &own) => drop(sender.send(error)),
            }
        });
        let beating = Beating { lease, task, lost };
        Self {
            beating: Some(beating),
        }
    }

    /// Waits until the batch was taken from its owner, the database has lost it, or its lease is over since
    /// no sign of life got through; for good if that never happens. May be called once.
    pub async fn lost(&mut self) -> Error {
        let Some(beating) = &mut self.beating else {
            return pending().await;
        };
        tokio::select! {
            biased;
            // Nobody is heard any more, or answers: somebody else may have the batch from now on. A lease that
            // was over from the start is so before anything else is done.
            error = beating.lease.over() => error,
            Ok(error) = &mut beating.lost => error,
        }
    }
}

/// Prolongs the lease until the batch is lost, as the error tells.
async fn beat(planner: &PlannerPool, claim_token: &str, lease: &Lease) -> Error {
    let period = lease.duration() / BEATS_PER_LEASE;
    let mut next = lease.until() - period * (BEATS_PER_LEASE - 1);
    loop {
        sleep_until(next).await;
        let sent = Instant::now();
        next = match (planner.heartbeat(claim_token.to_owned(), lease.seconds())).await {
            Ok(()) => {
                lease.prolong(sent);
                sent + period
            }
            Err(error) if error.is_loss() => return error,
            // The next one may come through in time.
            Err(error) => {
                warn!(%error, "a heartbeat failed");
                Instant::now() + period / SOONER
            }
        };
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some(beating) = &self.beating {
            beating.task.abort();
        }
    }
}
