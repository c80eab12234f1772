//! The planner, through pooled instances of its component: records in, records out, with no batch in anybody's
//! hands.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use batchintory::{
    AcquireRequest, Advanced, Answer, Batch as BatchRecord, Call, Completion, Operations,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tracing::{Instrument, info_span};

use crate::PlannerError;
use crate::component::PlannerComponent;
use crate::database::Databases;
use crate::error::Error;
use crate::instance::PlannerInstance;
use crate::limits::Limits;

/// The most claims at once. Those of one job wait for each other anyway.
const MAX_CLAIMS: usize = 32;

/// The most idle instances that are kept.
const MAX_IDLE: usize = 32;

/// The planner over its databases. Clones share its instances.
#[derive(Clone)]
pub(crate) struct PlannerPool {
    shared: Arc<Shared>,
}

struct Shared {
    component: PlannerComponent,
    databases: Databases,
    limits: Limits,
    /// An instance serves one call at a time and many calls in all.
    idle: Mutex<Vec<PlannerInstance>>,
    /// Places for claims.
    claims: Semaphore,
    peak_memory_bytes: AtomicUsize,
}

/// Makes a call on an instance of the planner: `call!(self.acquire(&request))`. A macro, since every
/// function of the component has types of its own. Where `since` is named, it becomes the time when the call's
/// turn among those that claim came: dropping the call ends that too.
macro_rules! call {
    ($self:ident.$function:ident($($argument:expr),*) $(, $since:ident)?) => {
        async {
            let mut instance = $self.instance().await?;
            let (planner, store) = instance.start();
            match planner.$function(store $(, $argument)*).await {
                Ok(answer) => {
                    let _turn_came = instance.end();
                    $($since = _turn_came.unwrap_or($since);)?
                    $self.put_back(instance);
                    answer.map_err(|error| Error::Planner(PlannerError::from(error)))
                }
                Err(error) => Err(instance.explain(&error)),
            }
        }
        .instrument(info_span!(
            "call",
            otel.name = concat!("batchintory.", stringify!($function)),
            otel.kind = "internal",
        ))
    };
}

impl PlannerPool {
    pub(crate) fn new(component: PlannerComponent, databases: Databases, limits: Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                component,
                databases,
                limits,
                idle: Mutex::default(),
                claims: Semaphore::new(MAX_CLAIMS),
                peak_memory_bytes: AtomicUsize::new(0),
            }),
        }
    }

    pub(crate) fn databases(&self) -> &Databases {
        &self.shared.databases
    }

    /// The most memory that an instance has had so far.
    pub(crate) fn peak_memory_bytes(&self) -> usize {
        self.shared.peak_memory_bytes.load(Ordering::Relaxed)
    }

    /// Ends a batch, where one is given, and hands out the next; and when the call's turn among the claims came.
    pub(crate) async fn advance_at(
        &self,
        done: Option<&Completion>,
        request: &AcquireRequest,
        claim_token: Option<&str>,
        items: u32,
    ) -> Result<(Instant, Advanced), Error> {
        let mut since = Instant::now();
        let _place = self.place_among_claims().await;
        let done = done.cloned().map(Into::into);
        let request = request.clone().into();
        let advance = call!(
            self.call_advance(done.as_ref(), &request, claim_token, items),
            since
        );
        let advanced = advance.await?.into();
        Ok((since, advanced))
    }

    /// Hands out several batches, and tells when the call's turn among the claims came.
    pub(crate) async fn acquire_many_at(
        &self,
        request: &AcquireRequest,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<(Instant, Vec<BatchRecord>), Error> {
        let mut since = Instant::now();
        let _place = self.place_among_claims().await;
        let request = request.clone().into();
        let claim = call!(
            self.call_acquire_many(&request, batches, claim_token),
            since
        );
        let records = claim.await?;
        Ok((since, records.into_iter().map(Into::into).collect()))
    }

    /// Waits until there may be another claim. Those that wait for their turn have an instance meanwhile.
    async fn place_among_claims(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.claims.acquire().await.ok()
    }

    /// An idle instance, or a new one.
    async fn instance(&self) -> Result<PlannerInstance, Error> {
        let idle = self.idle().pop();
        match idle {
            Some(instance) => Ok(instance),
            None => {
                let Shared {
                    component,
                    databases,
                    limits,
                    ..
                } = self.shared.as_ref();
                component.instantiate(databases.clone(), *limits).await
            }
        }
    }

    fn put_back(&self, instance: PlannerInstance) {
        let peak = instance.peak_memory_bytes();
        self.shared
            .peak_memory_bytes
            .fetch_max(peak, Ordering::Relaxed);
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(instance);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PlannerInstance>> {
        self.shared
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list of records of the component as the core's.
fn list<T, U: From<T>>(records: Vec<T>) -> Vec<U> {
    records.into_iter().map(Into::into).collect()
}

impl Operations for PlannerPool {
    type Error = Error;

    async fn call(&self, call: Call) -> Result<Answer, Error> {
        Ok(match call {
            Call::Acquire {
                request,
                claim_token,
            } => {
                let _place = self.place_among_claims().await;
                let token = claim_token.as_deref();
                let acquired = call!(self.call_acquire(&request.into(), token));
                Answer::Acquire(acquired.await?.into())
            }
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => {
                let token = claim_token.as_deref();
                let advanced = self.advance_at(done.as_ref(), &request, token, items);
                Answer::Advance(advanced.await?.1)
            }
            Call::AcquireMany {
                request,
                batches,
                claim_token,
            } => {
                let batches = self.acquire_many_at(&request, batches, claim_token.as_deref());
                Answer::AcquireMany(batches.await?.1)
            }
            Call::Batch { claim_token } => {
                Answer::Batch(call!(self.call_batch(&claim_token)).await?.into())
            }
            Call::Items {
                claim_token,
                after,
                limit,
            } => Answer::Items(list(
                call!(self.call_items(&claim_token, after, limit)).await?,
            )),
            Call::ItemsStatement { claim_token } => {
                let statement = call!(self.call_items_statement(&claim_token)).await?;
                Answer::ItemsStatement(statement.map(Into::into))
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => Answer::Heartbeat(call!(self.call_heartbeat(&claim_token, lease_seconds)).await?),
            Call::Complete {
                claim_token,
                outcome,
            } => Answer::Complete(call!(self.call_complete(&claim_token, &outcome.into())).await?),
            Call::Release { claim_token, log } => {
                let released = call!(self.call_release(&claim_token, log.as_deref()));
                Answer::Release(released.await?)
            }
            Call::Plan {
                request,
                after,
                batches,
            } => {
                let plan = call!(self.call_plan(&request.into(), after, batches));
                Answer::Plan(plan.await?.into())
            }
            Call::Progress { request, cap } => {
                let progress = call!(self.call_progress(&request.into(), cap));
                Answer::Progress(progress.await?.into())
            }
            Call::Warnings { request } => {
                Answer::Warnings(call!(self.call_warnings(&request.into())).await?)
            }
            Call::Requeue {
                meta_table,
                job,
                target,
            } => {
                let requeued = call!(self.call_requeue(&meta_table, &job, &target.into()));
                Answer::Requeue(requeued.await?)
            }
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => {
                let page = call!(self.call_audit(&meta_table, &job, after, limit));
                Answer::Audit(page.await?.into())
            }
            Call::Jobs { query } => Answer::Jobs(list(call!(self.call_jobs(&query.into())).await?)),
            Call::History { query } => {
                Answer::History(list(call!(self.call_history(&query.into())).await?))
            }
            Call::SchemaStatements { dialect } => {
                Answer::SchemaStatements(call!(self.call_schema_statements(dialect.into())).await?)
            }
            Call::Notifications { meta_table } => {
                let channel = call!(self.call_notifications(&meta_table)).await?;
                Answer::Notifications(channel.map(Into::into))
            }
            Call::Migrate {} => Answer::Migrate(call!(self.call_migrate()).await?.into()),
        })
    }
}

impl std::fmt::Debug for PlannerPool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PlannerPool")
            .field("databases", &self.shared.databases)
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}
