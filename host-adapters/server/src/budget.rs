//! Memory that all requests share, beyond the little that each may have for itself.
//!
//! Who finds it used up is refused at once and waits for nobody: so nobody who holds some of it can wait for
//! another who does.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// In which steps memory is counted, in bytes.
const STEP: usize = 1024;

/// So much memory for all. Clones share it.
#[derive(Clone)]
pub(crate) struct Budget {
    steps: Arc<Semaphore>,
}

/// What one of them holds of it; given back when dropped.
pub(crate) struct Share {
    budget: Budget,
    /// So many bytes are the holder's own, and not counted.
    own: usize,
    bytes: usize,
    taken: Option<OwnedSemaphorePermit>,
}

/// Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[error("the memory for all requests is used up")]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn of_bytes(bytes: usize) -> Self {
        Self {
            steps: Arc::new(Semaphore::new(bytes / STEP)),
        }
    }

    /// A share whose first bytes are not counted.
    pub(crate) fn share(&self, own: usize) -> Share {
        Share {
            budget: self.clone(),
            own,
            bytes: 0,
            taken: None,
        }
    }
}

impl Share {
    /// Takes so many bytes more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.bytes = self.bytes.saturating_add(bytes);
        let needed = self.bytes.saturating_sub(self.own).div_ceil(STEP);
        let taken = self.taken.as_ref().map_or(0, |taken| taken.num_permits());
        let missing = u32::try_from(needed.saturating_sub(taken)).map_err(|_| Exhausted)?;
        if missing == 0 {
            return Ok(());
        }
        let steps = self.budget.steps.clone();
        let more = (steps.try_acquire_many_owned(missing)).map_err(|_| Exhausted)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }

    /// How many bytes it has, counted or not.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::of_bytes(10 * STEP);
        let mut first = budget.share(STEP);
        assert!(first.grow(STEP).is_ok());
        assert_eq!(budget.steps.available_permits(), 10);
        assert!(first.grow(9 * STEP + 1).is_ok());
        assert_eq!(budget.steps.available_permits(), 0);
        let mut second = budget.share(STEP);
        assert!(second.grow(STEP).is_ok());
        assert!(second.grow(1).is_err());
        drop(first);
        let mut third = budget.share(0);
        assert!(third.grow(10 * STEP).is_ok());
        drop((second, third));
        assert_eq!(budget.steps.available_permits(), 10);
    }
}
