//! batchintory's planner component in wasmtime, with drivers for SQLite, PostgreSQL, MySQL and MariaDB.
//!
//! ```
//! use batchintory_wasmtime::{AcquireRequest, Acquired, Inventory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", directory.path().join("lake.sqlite").display());
//! # batchintory_wasmtime::connect(&url, batchintory_wasmtime::Access::Create).await?
//! #     .query("CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)", &[]).await
//! #     .map_err(|error| format!("{error:?}"))?;
//! // One database for the meta tables and the inventory here: `sqlite:lake.sqlite`, `postgres://…`,
//! // `mysql://…`
//! let inventory = Inventory::open(&url).await?;
//! inventory.migrate().await?;
//!
//! let request = AcquireRequest {
//!     max_weight: Some(64.0 * 1024.0 * 1024.0),
//!     ..AcquireRequest::new("files", "thumbnails")
//! };
//! while let Acquired::Batch(batch) = inventory.acquire(&request).await? {
//!     for item in batch.items().await? {
//!         println!("{} {}", item.uid, item.item.unwrap_or_default());
//!     }
//!     batch.succeed().await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Batch::process`] and [`Inventory::process`] end batches by the result of a closure. Where one database holds
//! all, a loop by [`Inventory::process`], [`Follow::next_after`] or [`Batch::end_and_acquire`] ends a batch and claims
//! the next in one round trip. A connection of one's own takes the place of a driver by the trait [`Database`].

mod batch;
mod claim_queue;
mod claiming;
mod component;
mod connect;
mod database;
mod driver;
mod ending;
mod error;
mod follow;
mod heartbeat;
mod host;
mod instance;
mod inventory;
mod item_pages;
mod item_rows;
mod job_pages;
mod lease;
mod limits;
mod planner_pool;

pub use batch::{Acquired, Batch, Following};
pub use batchintory;
pub use batchintory::{
    AcquireRequest, Attempt, AuditPage, Batch as BatchRecord, BatchPlan, DatabaseError, Dialect,
    Difference, Error as PlannerError, Explanation, FailureKind, HistoryQuery, IdRange, Item,
    ItemEncoding, JobPlace, JobProgress, JobSummary, JobsQuery, MetaColumns, Migration, Nothing,
    NothingReason, NotifyChannel, OnChange, Outcome, PlannedBatch, Queue, Refusal, RequeueTarget,
    Rows, Settings, Settle, Source, StatusLabels, Value,
};
pub use claim_queue::ClaimTurn;
pub use claiming::patience;
pub use component::PlannerComponent;
pub use connect::{Access, connect};
pub use database::{Database, DatabaseOptions, Databases, Notifications, SystemRandom};
pub use error::{Error, Limit};
pub use follow::{Alarm, Follow, pause_before_next};
pub use heartbeat::Heartbeat;
pub use instance::PlannerInstance;
pub use inventory::{Inventory, InventoryBuilder, Processed};
pub use item_pages::ItemPages;
pub use job_pages::JobPages;
pub use limits::{Limits, start_ticking};

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

/// The guide's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/how-to/embed-in-rust.md")]
mod guide {}
