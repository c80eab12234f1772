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
    /// How many steps there are in all.
    all: usize,
}

/// What one of them holds of it; given back when dropped.
pub(crate) struct Share {
    budget: Budget,
    /// So many bytes are the holder's own, and not counted.
    own: usize,
    bytes: usize,
    taken: Option<OwnedSemaphorePermit>,
}

/// There is too little of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exhausted {
    /// Others have the rest.
    #[error("the memory for all requests is used up")]
    ForNow,
    /// One request wants more than all may have together.
    #[error("a request needs more memory than there is for all requests")]
    ForGood,
}

impl Budget {
    pub(crate) fn of_bytes(bytes: usize) -> Self {
        let all = bytes / STEP;
        Self {
            steps: Arc::new(Semaphore::new(all)),
            all,
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
        if needed > self.budget.all {
            return Err(Exhausted::ForGood);
        }
        let taken = self.taken.as_ref().map_or(0, |taken| taken.num_permits());
        let missing = u32::try_from(needed.saturating_sub(taken)).map_err(|_| Exhausted::ForNow)?;
        if missing == 0 {
            return Ok(());
        }
        let steps = self.budget.steps.clone();
        let more = (steps.try_acquire_many_owned(missing)).map_err(|_| Exhausted::ForNow)?;
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
        assert_eq!(third.grow(11 * STEP), Err(Exhausted::ForGood));
        let mut third = budget.share(0);
        assert!(third.grow(10 * STEP).is_ok());
        drop((second, third));
        assert_eq!(budget.steps.available_permits(), 10);
    }
}
