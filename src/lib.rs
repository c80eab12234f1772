//! batchintory's planner.

// For the attribute `synchronous`, which stands where anything is async.
#[macro_use]
extern crate batchintory_synchronous;

mod acquire;
mod advance;
mod audit;
mod backoff;
mod blind_spot;
mod boundary;
mod claim;
mod claim_token;
mod claimant;
mod column_type;
mod completion;
#[cfg(all(target_family = "wasm", feature = "component"))]
mod component;
mod condition;
mod condition_parser;
mod configuration;
mod database;
mod databases;
mod decimal;
mod due;
mod error;
mod fence;
mod find_attempt;
mod fnv;
mod follow;
mod fused_claim;
mod history;
mod instant;
mod interface;
mod item;
mod items;
mod job;
mod jobs;
mod json;
mod judge;
mod judgement;
mod lease;
mod meta_database;
mod metadata_locks;
mod migration;
mod next_batch;
mod notify;
mod object;
// In the component, its exports take the place of both.
#[cfg(not(all(target_family = "wasm", feature = "component")))]
mod operations;
mod own_table;
mod pace;
mod plan;
#[cfg(not(all(target_family = "wasm", feature = "component")))]
mod planner;
mod progress;
mod recursion;
mod refusal_code;
mod requeue;
mod retry;
mod row_reader;
mod scopes;
mod sql;
mod standing;
mod sums;
mod table_name;
mod terms;
mod typed_condition;
mod typing;
mod warnings;
mod watermark;

pub use database::{
    Database, DatabaseError, Dialect, Random, Refusal, Rows, Settings, Source, StatusLabels, Value,
};
pub use error::{Error, Explanation};
pub use follow::wait_for_work;
pub use interface::{
    AcquireRequest, Acquired, Acquisition, Advanced, Attempt, AuditPage, Batch, BatchPlan,
    Completion, Difference, HistoryQuery, IdRange, Item, ItemEncoding, JobPlace, JobProgress,
    JobSummary, JobsQuery, Lease, MetaColumns, Migration, Nothing, NothingReason, NotifyChannel,
    OnChange, Outcome, PageStatement, PlannedBatch, Queue, RequeueTarget, RunningBatch, Settle,
};
pub use object::Object;
#[cfg(not(all(target_family = "wasm", feature = "component")))]
pub use operations::{Answer, Call, Operations, at_once};
#[cfg(not(all(target_family = "wasm", feature = "component")))]
pub use planner::Planner;
pub use refusal_code::Kind as FailureKind;
pub use sql::PAGE_BYTES;
pub use table_name::{schema_and_table, split_source};
