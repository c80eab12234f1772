//! What a scenario runs against: anything that has the operations of the interface `inventory`.

use async_trait::async_trait;
use batchintory::{AcquireRequest, Acquisition, Dialect, HistoryQuery, Outcome, Planner};
use batchintory_wasmtime::{Acquired, Databases, Inventory, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A call of one operation, with its arguments.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    /// `acquire`
    Acquire(AcquireRequest),
    /// `items`
    Items {
        /// The batch's claim token.
        claim_token: String,
        /// Only items with higher ids.
        after: Option<i64>,
        /// At most so many.
        limit: u32,
    },
    /// `complete`
    Complete {
        /// The batch's claim token.
        claim_token: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// `plan`
    Plan {
        /// What to plan.
        request: AcquireRequest,
        /// As if everything up to this id were claimed.
        after: Option<i64>,
        /// At most so many batches.
        batches: u32,
    },
    /// `progress`
    Progress {
        /// What to count.
        request: AcquireRequest,
        /// How far to count.
        cap: u64,
    },
    /// `jobs`
    Jobs {},
    /// `history`
    History(HistoryQuery),
    /// `schema-statements`
    SchemaStatements {
        /// In this dialect.
        dialect: Dialect,
    },
    /// `migrate`
    Migrate {},
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error's name, as in the WIT interface.
    pub name: String,
    /// Its sentence.
    pub message: String,
}

/// Something that has the operations of the interface `inventory`.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Makes a call and gives its answer as JSON.
    async fn call(&self, call: Call) -> Result<Value, Failure>;
}

/// The native core, without a component between.
pub type NativeCore = Planner<Databases, SystemRandom>;

#[async_trait]
impl Subject for NativeCore {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        match call {
            Call::Acquire(request) => answer(self.acquire(&request).await),
            Call::Items {
                claim_token,
                after,
                limit,
            } => answer(self.items(&claim_token, after, limit).await),
            Call::Complete {
                claim_token,
                outcome,
            } => answer(self.complete(&claim_token, &outcome).await),
            Call::Plan {
                request,
                after,
                batches,
            } => answer(self.plan(&request, after, batches).await),
            Call::Progress { request, cap } => answer(self.progress(&request, cap).await),
            Call::Jobs {} => answer(self.jobs().await),
            Call::History(query) => answer(self.history(&query).await),
            Call::SchemaStatements { dialect } => answer(self.schema_statements(dialect)),
            Call::Migrate {} => answer(self.migrate().await),
        }
    }
}

#[async_trait]
impl Subject for Inventory {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        match call {
            Call::Acquire(request) => {
                answer(self.acquire(&request).await.map(|acquired| match acquired {
                    Acquired::Batch(batch) => Acquisition::Batch((*batch).clone()),
                    Acquired::Nothing(nothing) => Acquisition::Nothing(nothing),
                }))
            }
            Call::Items {
                claim_token,
                after,
                limit,
            } => answer(self.items(&claim_token, after, limit).await),
            Call::Complete {
                claim_token,
                outcome,
            } => answer(self.complete(&claim_token, &outcome).await),
            Call::Plan {
                request,
                after,
                batches,
            } => answer(self.plan(&request, after, batches).await),
            Call::Progress { request, cap } => answer(self.progress(&request, cap).await),
            Call::Jobs {} => answer(self.jobs().await),
            Call::History(query) => answer(self.history(&query).await),
            Call::SchemaStatements { dialect } => answer(self.schema_statements(dialect).await),
            Call::Migrate {} => answer(self.migrate().await),
        }
    }
}

fn answer<T: Serialize, E: Into<Failure>>(result: Result<T, E>) -> Result<Value, Failure> {
    let answer = result.map_err(Into::into)?;
    serde_json::to_value(answer).map_err(|error| Failure {
        name: "test".into(),
        message: error.to_string(),
    })
}

impl From<batchintory::Error> for Failure {
    fn from(error: batchintory::Error) -> Self {
        Self {
            name: error.name().into(),
            message: error.to_string(),
        }
    }
}

impl From<batchintory_wasmtime::Error> for Failure {
    fn from(error: batchintory_wasmtime::Error) -> Self {
        Self {
            name: error.name().into(),
            message: error.to_string(),
        }
    }
}
