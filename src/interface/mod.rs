//! The records that callers send and receive.
//!
//! They mirror the interface `inventory` of `wit/inventory.wit`, which says what each field means,
//! its unit and its range. Their JSON form (serde) is that of the inventory's `config` column and
//! of the command line's `--json`.

mod batch;
mod history;
mod jobs;
mod json;
mod planning;
mod request;
mod tables;

pub use batch::{
    Acquired, Acquisition, Advanced, Batch, Completion, Item, Lease, Nothing, NothingReason,
    Outcome, PageStatement, RunningBatch,
};
pub use history::{Attempt, AuditPage, Difference, HistoryQuery, IdRange, Queue, RequeueTarget};
pub use jobs::{JobPlace, JobSummary, JobsQuery};
pub use planning::{BatchPlan, JobProgress, PlannedBatch};
pub use request::{AcquireRequest, ItemEncoding, MetaColumns, OnChange, Settle};
pub use tables::{Migration, NotifyChannel};
