//! Why a call failed.

use std::path::PathBuf;
use std::time::Duration;

use crate::PlannerError;

/// Why a call failed. The sentence says what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The planner refused the call, or its database did.
    #[error(transparent)]
    Planner(#[from] PlannerError),
    /// A database cannot be opened. Of the URL only what is certainly no secret is shown.
    #[error("cannot open the database {url}: {reason}")]
    Connect {
        /// The URL: scheme, hosts and database, or the scheme alone.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A planner component cannot be used.
    #[error("{origin} is no planner component: {reason}")]
    Component {
        /// Where it comes from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A component's file cannot be read.
    #[error("cannot read the planner component {}: {source}", path.display())]
    ComponentFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The planner component needed more than it may have. Nothing is lost: a batch that was
    /// claimed meanwhile is in the history.
    #[error(
        "the planner component has used up its limit of {limit}; raise it, or ask for less at once"
    )]
    LimitReached {
        /// Which limit.
        limit: Limit,
    },
    /// The planner component broke down; this is a bug in it.
    #[error("the planner component broke down, which is a bug: {0}")]
    Trap(String),
    /// No sign of life got through for as long as the batch's lease, by the owner's own clock.
    #[error(
        "no sign of life got through for as long as its lease of {seconds} seconds: somebody else may \
         have it now"
    )]
    LeaseOver {
        /// How long the lease goes on from each sign of life.
        seconds: u32,
    },
    /// The result of a batch cannot be written as JSON.
    #[error("the batch's result cannot be written as JSON: {0}")]
    Result(#[source] serde_json::Error),
}

/// A limit of the planner component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Computing in one call.
    ComputeTime(Duration),
    /// Bytes of memory.
    Memory(usize),
}

impl std::fmt::Display for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ComputeTime(time) => write!(formatter, "{time:?} of computing"),
            Self::Memory(bytes) => write!(formatter, "{bytes} bytes of memory"),
        }
    }
}

impl Error {
    /// The error's name, for programs: the planner's own, or one of `connect`, `component`,
    /// `limit-reached`, `trap`, `lease-over` and `result`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planner(error) => error.name(),
            Self::Connect { .. } => "connect",
            Self::Component { .. } | Self::ComponentFile { .. } => "component",
            Self::LimitReached { .. } => "limit-reached",
            Self::Trap(_) => "trap",
            Self::LeaseOver { .. } => "lease-over",
            Self::Result(_) => "result",
        }
    }

    /// Whether the batch is not its owner's any more, or may not be: work on it is in vain.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::LeaseOver { .. }
                | Self::Planner(PlannerError::Superseded(_) | PlannerError::NoSuchBatch(_))
        )
    }
}
