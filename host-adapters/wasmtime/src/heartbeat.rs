//! Signs of life in the background.

use std::future::pending;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::PlannerError;
use crate::error::Error;
use crate::inventory::Inventory;

/// A lease is prolonged so often before it would be over, so that one sign of life may get lost.
const BEATS_PER_LEASE: u32 = 3;

/// Prolongs a batch's lease for as long as it lives.
#[must_use = "the lease is prolonged only for as long as this lives"]
#[derive(Debug)]
pub struct Heartbeat {
    beating: Option<(JoinHandle<()>, oneshot::Receiver<Error>)>,
}

impl Heartbeat {
    /// For a batch without a lease.
    pub(crate) fn none() -> Self {
        Self { beating: None }
    }

    /// Beats in a task of its own, so that work which keeps its thread busy does not hold it up.
    pub(crate) fn start(inventory: Inventory, claim_token: String, lease_seconds: u32) -> Self {
        let (sender, lost) = oneshot::channel();
        let beat = async move {
            let period = Duration::from_secs(lease_seconds.into()) / BEATS_PER_LEASE;
            loop {
                tokio::time::sleep(period).await;
                match inventory.heartbeat(&claim_token, lease_seconds).await {
                    Ok(()) => {}
                    Err(
                        error @ Error::Planner(
                            PlannerError::Superseded(_) | PlannerError::NoSuchBatch(_),
                        ),
                    ) => {
                        let _ = sender.send(error);
                        return;
                    }
                    // The next one may come through in time.
                    Err(error) => warn!(%error, "a heartbeat failed"),
                }
            }
        };
        Self {
            beating: Some((tokio::spawn(beat), lost)),
        }
    }

    /// Waits until the batch was taken from its owner, or the database has lost it; for good if that never
    /// happens. May be called once.
    pub async fn lost(&mut self) -> Error {
        match &mut self.beating {
            Some((_, lost)) => match lost.await {
                Ok(error) => error,
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some((task, _)) = &self.beating {
            task.abort();
        }
    }
}
