//! Workers of one process queue up for the claims in a scope, instead of racing each other for them.
//!
//! Of several claims that saw the same watermark only one succeeds, so those of one process would
//! only take the database's time from each other. Between processes the chain decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// A queue for each scope in which is being claimed, first come, first served. Clones share the queues.
#[derive(Clone, Default)]
pub(crate) struct ClaimQueues {
    queues: Arc<Mutex<HashMap<String, Queue>>>,
}

#[derive(Default)]
struct Queue {
    /// tokio's mutex is fair, and whoever is dropped while waiting for it has left.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How many wait or have their turn; the queue goes with the last of them.
    places: usize,
}

/// The turn to make a claim: the next one's comes when it is dropped.
pub struct ClaimTurn {
    // In this order: the next one's turn, then the place in the queue.
    _turn: OwnedMutexGuard<()>,
    _place: Place,
}

/// A place in a queue.
struct Place {
    queues: ClaimQueues,
    scope: String,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl ClaimQueues {
    /// Waits for the turn among the claims in the scope.
    pub(crate) async fn turn(&self, scope: &str) -> ClaimTurn {
        let place = self.line_up(scope.to_owned());
        ClaimTurn {
            _turn: place.turn.clone().lock_owned().await,
            _place: place,
        }
    }

    fn line_up(&self, scope: String) -> Place {
        let mut queues = self.queues();
        let queue = queues.entry(scope.clone()).or_default();
        queue.places += 1;
        Place {
            queues: self.clone(),
            scope,
            turn: queue.turn.clone(),
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = self.queues.queues();
        if let Some(queue) = queues.get_mut(&self.scope) {
            queue.places -= 1;
            if queue.places == 0 {
                queues.remove(&self.scope);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    async fn claim<T>(queues: &ClaimQueues, scope: &str, claim: impl Future<Output = T>) -> T {
        let _turn = queues.turn(scope).await;
        claim.await
    }

    #[test]
    fn claims_in_a_scope_come_one_after_the_other_in_order() {
        let queues = ClaimQueues::default();
        let (end_first, first_ends) = oneshot::channel::<()>();
        let mut first = pin!(claim(&queues, "files job", first_ends));
        let mut second = pin!(claim(&queues, "files job", async { 2 }));
        let mut third = pin!(claim(&queues, "files job", async { 3 }));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        end_first.send(()).unwrap();
        assert!(poll(second.as_mut()).is_pending(), "the first is not over");
        assert!(poll(first.as_mut()).is_ready());
        assert!(poll(third.as_mut()).is_pending(), "the second comes first");
        assert_eq!(poll(second.as_mut()), Poll::Ready(2));
        assert_eq!(poll(third.as_mut()), Poll::Ready(3));
    }

    #[test]
    fn other_scopes_are_not_held_up() {
        let queues = ClaimQueues::default();
        let mut endless = pin!(claim(&queues, "files job", std::future::pending::<()>()));
        assert!(poll(endless.as_mut()).is_pending());
        let other = claim(&queues, "files other job", async { 1 });
        assert_eq!(other.now_or_never(), Some(1));
    }

    #[test]
    fn whoever_is_dropped_leaves_the_queue_and_the_last_one_takes_it_along() {
        let queues = ClaimQueues::default();
        let mut first = Box::pin(claim(&queues, "files job", std::future::pending::<()>()));
        let mut second = Box::pin(claim(&queues, "files job", std::future::pending::<()>()));
        let mut third = pin!(claim(&queues, "files job", async { 3 }));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        drop(second);
        drop(first);
        assert_eq!(poll(third.as_mut()), Poll::Ready(3));
        assert!(queues.queues().is_empty());
    }
}
