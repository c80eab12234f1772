//! Statements that nobody waits for any more are interrupted, and no other in their place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, InterruptHandle};

/// Which statement of a connection runs.
pub(super) struct Running {
    shared: Arc<Shared>,
}

struct Shared {
    interrupt: InterruptHandle,
    /// What the running statement's asker would set.
    now: Mutex<Option<Arc<AtomicBool>>>,
}

/// A statement that is to run.
pub(super) struct Asked {
    shared: Arc<Shared>,
    is_given_up: Arc<AtomicBool>,
}

/// Somebody waits for a statement, until this is dropped.
pub(super) struct Waiting {
    shared: Arc<Shared>,
    is_given_up: Arc<AtomicBool>,
}

/// A statement runs, until this is dropped.
pub(super) struct Begun {
    shared: Arc<Shared>,
}

impl Running {
    pub(super) fn on(connection: &Connection) -> Self {
        Self {
            shared: Arc::new(Shared {
                interrupt: connection.get_interrupt_handle(),
                now: Mutex::default(),
            }),
        }
    }

    /// A statement, and who waits for it.
    pub(super) fn ask(&self) -> (Asked, Waiting) {
        let (shared, is_given_up) = (self.shared.clone(), Arc::new(AtomicBool::new(false)));
        let asked = Asked {
            shared: shared.clone(),
            is_given_up: is_given_up.clone(),
        };
        let waiting = Waiting {
            shared,
            is_given_up,
        };
        (asked, waiting)
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Option<Arc<AtomicBool>>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Begins, unless it was given up before. The connection must be held.
    pub(super) fn begin(self) -> Option<Begun> {
        let mut now = self.shared.now();
        if self.is_given_up.load(Ordering::SeqCst) {
            return None;
        }
        *now = Some(self.is_given_up);
        drop(now);
        Some(Begun {
            shared: self.shared,
        })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        *self.shared.now() = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.is_given_up.store(true, Ordering::SeqCst);
        // While this is held, no other statement begins.
        let now = self.shared.now();
        if (now.as_ref()).is_some_and(|running| Arc::ptr_eq(running, &self.is_given_up)) {
            self.shared.interrupt.interrupt();
        }
    }
}
