//! A simulator of the planner under faults.
//!
//! Every step of the planner is one statement, so the interleavings of any number of workers are
//! exactly the orders of their statements. A seed decides everything: which worker's statement goes
//! next, what becomes of it (its answer is lost, it takes effect later, its worker dies, …), when the
//! clock leaps and when rows come, go and change. Afterwards all faults are healed, and what is in the
//! database is checked against the invariants by code that knows nothing of the planner.

pub mod faults;
mod invariants;
pub mod mutation;
mod random;
mod run;
mod schedule;
mod sums;
mod work;
mod world;

pub use run::{Outcome, run_seed};
