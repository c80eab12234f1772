//! What may become of a statement, and how often what happened.

use batchintory::Call;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The statement never arrived, and nobody can tell.
    LostBeforeEffect,
    /// It took effect, and its answer was lost.
    LostAfterEffect,
    /// It takes effect some steps after nobody could tell.
    LateEffect,
    /// The database met a passing conflict.
    Busy,
    /// The database cannot be reached.
    Unavailable,
    /// The worker dies before its statement is sent.
    Killed,
    /// The worker dies when its statement has taken effect.
    KilledAfterEffect,
    /// The host drops the call before its statement is sent, and its worker goes on.
    Trapped,
    /// The host drops the call when its statement has taken effect.
    TrappedAfterEffect,
    /// The database's clock leaps.
    ClockLeap,
    /// A row comes late, goes or changes.
    RowChange,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::LostBeforeEffect,
        Self::LostAfterEffect,
        Self::LateEffect,
        Self::Busy,
        Self::Unavailable,
        Self::Killed,
        Self::KilledAfterEffect,
        Self::Trapped,
        Self::TrappedAfterEffect,
        Self::ClockLeap,
        Self::RowChange,
    ];
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Statements that took effect.
    pub statements: u64,
    /// Faults, in the order of [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
    /// Calls that were answered, in the order of [`Call::NAMES`].
    pub calls: [u64; Call::NAMES.len()],
}

impl Counts {
    pub(crate) fn count(&mut self, fault: Fault) {
        for (counted, of) in self.faults.iter_mut().zip(Fault::ALL) {
            *counted += u64::from(of == fault);
        }
    }

    pub(crate) fn count_call(&mut self, operation: &str) {
        for (counted, name) in self.calls.iter_mut().zip(Call::NAMES) {
            *counted += u64::from(*name == operation);
        }
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        let own = self.faults.iter_mut().chain(&mut self.calls);
        for (own, others) in own.zip(other.faults.iter().chain(&other.calls)) {
            *own += others;
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} statements", self.statements)?;
        for (fault, count) in Fault::ALL.iter().zip(self.faults) {
            write!(formatter, ", {count} {fault:?}")?;
        }
        Ok(())
    }
}
