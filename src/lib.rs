//! batchintory's planner.

mod boundary;
#[cfg(target_family = "wasm")]
mod component;
mod database;
mod error;
mod interface;
mod planner;

pub use database::{
    Database, DatabaseError, Dialect, Random, Refusal, Rows, Settings, Source, SqlError,
    StatusLabels, Value,
};
pub use error::Error;
pub use interface::{
    AcquireRequest, Acquisition, Attempt, Batch, BatchPlan, HistoryQuery, Item, JobProgress,
    JobSummary, MetaColumns, Migration, Nothing, NothingReason, Outcome, PlannedBatch,
};
pub use planner::Planner;
