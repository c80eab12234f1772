//! What a run did, in a few words.

use batchintory_wasmtime::{Nothing, NothingReason};
use serde::Serialize;

use crate::output::{WeightUnit, counted};
use crate::stderr::tell;

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Batches that succeeded.
    pub succeeded: u64,
    /// Attempts that failed, or were taken away. A range may fail several times.
    pub failed: u64,
    /// Batches that were given back, to be handed out again without counting an attempt.
    pub released: u64,
    /// Items in what succeeded.
    pub items: u64,
    /// What those items weigh.
    pub weight: f64,
    /// Why no more was handed out, if that ended the run.
    pub nothing: Option<Nothing>,
    /// Whether a signal ended the run.
    pub interrupted: bool,
}

impl Summary {
    /// Says it on standard error.
    pub fn tell(&self, unit: WeightUnit) {
        let is_idle = self.succeeded + self.failed + self.released == 0;
        if !is_idle {
            let failed = match self.failed {
                0 => String::new(),
                failed => format!(", {} failed", counted(failed, "attempt", "attempts")),
            };
            let released = match self.released {
                0 => String::new(),
                released => format!(", {released} released"),
            };
            tell(format_args!(
                "{} succeeded{failed}{released}: {}, weight {}",
                counted(self.succeeded, "batch", "batches"),
                counted(self.items, "item", "items"),
                unit.show(self.weight)
            ));
        }
        if self.interrupted {
            return;
        }
        match &self.nothing {
            Some(Nothing {
                reason: NothingReason::Held,
                held,
                ..
            }) => match held {
                Some(held) => tell(format_args!("nothing more is ready: the id {held} is held")),
                None => tell("nothing more is ready: transactions run that may insert a lower id"),
            },
            Some(nothing) if is_idle => match nothing.reason {
                NothingReason::BoundsDone => tell("nothing left within the bounds"),
                _ => tell("nothing new: all items are handed out"),
            },
            _ => {}
        }
    }
}
