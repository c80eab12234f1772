//! The commands, one file each.

pub mod acquire;
pub mod audit;
pub mod complete;
pub mod completions;
pub mod heartbeat;
pub mod history;
pub mod items;
pub mod migrate;
pub mod plan;
pub mod register;
pub mod requeue;
pub mod run;
pub mod schema;
#[cfg(feature = "serve")]
pub mod serve;
pub mod status;
