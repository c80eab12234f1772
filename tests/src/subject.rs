//! What a scenario runs against: anything that has the operations of the interface `inventory`.

use async_trait::async_trait;
use batchintory::{
    AcquireRequest, Acquisition, Advanced, Batch, Completion, Dialect, HistoryQuery, Item,
    JobsQuery, Outcome, Planner, RequeueTarget,
};
use batchintory_wasmtime::{Acquired, Databases, Inventory, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A call of one operation, with its arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    /// `acquire`
    Acquire(AcquireRequest),
    /// `acquire` with a claim token of the caller's own
    AcquireWithToken {
        /// What to hand out.
        request: AcquireRequest,
        /// The token.
        claim_token: String,
    },
    /// `advance`
    Advance {
        /// The batch to end first.
        done: Option<Completion>,
        /// What to hand out.
        request: AcquireRequest,
        /// The next batch's token.
        claim_token: Option<String>,
        /// At most so many of its items.
        items: u32,
    },
    /// `acquire-many`
    AcquireMany {
        /// What to hand out.
        request: AcquireRequest,
        /// At most so many batches.
        batches: u32,
    },
    /// `heartbeat`
    Heartbeat {
        /// The batch's claim token.
        claim_token: String,
        /// How long the lease goes on.
        lease_seconds: u32,
    },
    /// `requeue`
    Requeue {
        /// The job's meta table.
        meta_table: String,
        /// The job.
        job: String,
        /// What to put back.
        target: RequeueTarget,
    },
    /// `audit`
    Audit {
        /// The job's meta table.
        meta_table: String,
        /// The job.
        job: String,
        /// Only ranges behind this id.
        after: Option<i64>,
        /// At most so many ranges.
        limit: u32,
    },
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
    /// `warnings`
    Warnings(AcquireRequest),
    /// `jobs`
    Jobs(JobsQuery),
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// The error's name, as in the WIT interface.
    pub name: String,
    /// Its sentence.
    pub message: String,
    /// What it is about.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

impl Failure {
    /// One of the tests' own.
    pub fn new(name: &str, message: impl ToString) -> Self {
        Self {
            name: name.into(),
            message: message.to_string(),
            facts: Map::new(),
        }
    }
}

/// Something that has the operations of the interface `inventory`.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Makes a call and gives its answer as JSON.
    async fn call(&self, call: Call) -> Result<Value, Failure>;
}

#[async_trait]
impl Subject for Box<dyn Subject> {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        self.as_ref().call(call).await
    }
}

/// The native core, without a component between.
pub type NativeCore = Planner<Databases, SystemRandom>;

#[async_trait]
impl Subject for NativeCore {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        match call {
            Call::Acquire(request) => answer(self.acquire(&request, None).await),
            Call::AcquireWithToken {
                request,
                claim_token,
            } => answer(self.acquire(&request, Some(&claim_token)).await),
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => {
                let token = claim_token.as_deref();
                answer_of_advance(self.advance(done.as_ref(), &request, token, items).await?)
            }
            Call::AcquireMany { request, batches } => {
                answer(self.acquire_many(&request, batches, None).await)
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => answer(self.heartbeat(&claim_token, lease_seconds).await),
            Call::Requeue {
                meta_table,
                job,
                target,
            } => answer(self.requeue(&meta_table, &job, &target).await),
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => answer(self.audit(&meta_table, &job, after, limit).await),
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
            Call::Warnings(request) => answer(self.warnings(&request).await),
            Call::Jobs(query) => answer(self.jobs(&query).await),
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
            Call::Acquire(request) => answer(self.acquire(&request).await.map(acquisition)),
            Call::AcquireWithToken {
                request,
                claim_token,
            } => {
                let acquired = self.acquire_with_token(&request, &claim_token).await;
                answer(acquired.map(acquisition))
            }
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => {
                let token = claim_token.as_deref();
                let advanced = self.advance(done.as_ref(), &request, token, items).await?;
                answer_of_advance(advanced)
            }
            Call::AcquireMany { request, batches } => {
                let batches = self.acquire_many(&request, batches).await;
                let records = |batches: Vec<batchintory_wasmtime::Batch>| -> Vec<Batch> {
                    batches.iter().map(|batch| (**batch).clone()).collect()
                };
                answer(batches.map(records))
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => answer(self.heartbeat(&claim_token, lease_seconds).await),
            Call::Requeue {
                meta_table,
                job,
                target,
            } => answer(self.requeue(&meta_table, &job, &target).await),
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => answer(self.audit(&meta_table, &job, after, limit).await),
            Call::Items {
                claim_token,
                after,
                limit,
            } => {
                let page = self.items(&claim_token, after, limit).await;
                check_both_ways(self, &claim_token, (after, limit), &page).await?;
                answer(page)
            }
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
            Call::Warnings(request) => answer(self.warnings(&request).await),
            Call::Jobs(query) => answer(self.jobs(&query).await),
            Call::History(query) => answer(self.history(&query).await),
            Call::SchemaStatements { dialect } => answer(self.schema_statements(dialect).await),
            Call::Migrate {} => answer(self.migrate().await),
        }
    }
}

/// What is read by the planner's statement must be what the planner gives, or fail as it does.
async fn check_both_ways(
    inventory: &Inventory,
    claim_token: &str,
    (after, limit): (Option<i64>, u32),
    page: &Result<Vec<Item>, batchintory_wasmtime::Error>,
) -> Result<(), Failure> {
    let mut pages = inventory.item_pages(claim_token);
    if let Some(after) = after {
        pages = pages.behind(after);
    }
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut failure = None;
    while found.len() <= wanted {
        match pages.next().await {
            Ok(Some(page)) => found.extend(page),
            Ok(None) => break,
            Err(error) => {
                failure = Some(error.to_string());
                break;
            }
        }
    }
    let is_same = match page {
        Ok(page) => found.get(..page.len()) == Some(page),
        // A limit that is refused is none of theirs.
        Err(error) => {
            failure == Some(error.to_string()) || error.to_string().contains("limit must be")
        }
    };
    if is_same {
        return Ok(());
    }
    Err(Failure::new(
        "test",
        format!("the planner gives {page:?}, its statement {found:?} and {failure:?}"),
    ))
}

fn acquisition(acquired: Acquired) -> Acquisition {
    match acquired {
        Acquired::Batch(batch) => Acquisition::Batch((*batch).clone()),
        Acquired::Nothing(nothing) => Acquisition::Nothing(nothing),
    }
}

/// The next batch with its items, or why there is none: to a scenario that is as if the call had failed.
fn answer_of_advance(advanced: Advanced) -> Result<Value, Failure> {
    answer(advanced.next)
}

fn answer<T: Serialize, E: Into<Failure>>(result: Result<T, E>) -> Result<Value, Failure> {
    let answer = result.map_err(Into::into)?;
    serde_json::to_value(answer).map_err(|error| Failure::new("test", error))
}

impl From<batchintory::Error> for Failure {
    fn from(error: batchintory::Error) -> Self {
        let mut facts = match serde_json::to_value(error.explanation()) {
            Ok(Value::Object(facts)) => facts,
            _ => Map::new(),
        };
        facts.remove("message");
        Self {
            facts,
            ..Self::new(error.name(), error)
        }
    }
}

impl From<batchintory_wasmtime::Error> for Failure {
    fn from(error: batchintory_wasmtime::Error) -> Self {
        match error {
            batchintory_wasmtime::Error::Planner(error) => error.into(),
            error => Self::new(error.name(), error),
        }
    }
}
