//! The planner: every operation of the interface `inventory`, over a [`Database`].

use crate::advance::Turn;
use crate::database::{Database, Random};
use crate::databases::Databases;
use crate::error::Error;
use crate::operations::{Answer, Call, Operations};
use crate::{
    acquire, advance, audit, completion, find_attempt, history, items, jobs, lease, migration,
    notify, plan, progress, requeue, warnings,
};

/// Plans and claims batches through a [`Database`], with claim tokens from a [`Random`].
///
/// It holds no state: everything stands in the database. What it does are the [`Operations`].
#[derive(Debug, Clone)]
pub struct Planner<D, R> {
    database: D,
    random: R,
}

impl<D: Database, R: Random> Planner<D, R> {
    /// A planner over this database.
    pub fn new(database: D, random: R) -> Self {
        Self { database, random }
    }
}

impl<D: Database, R: Random> Operations for Planner<D, R> {
    type Error = Error;

    async fn call(&self, call: Call) -> Result<Answer, Error> {
        let open = || Databases::open(&self.database, &self.random);
        Ok(match call {
            Call::Acquire {
                request,
                claim_token,
            } => {
                let token = claim_token.as_deref();
                Answer::Acquire(acquire::acquire(&open()?, &request, token).await?)
            }
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => {
                let turn = Turn {
                    done: done.as_ref(),
                    request: &request,
                    claim_token: claim_token.as_deref(),
                    items,
                };
                Answer::Advance(advance::advance(&open()?, turn).await?)
            }
            Call::AcquireMany {
                request,
                batches,
                claim_token,
            } => {
                let token = claim_token.as_deref();
                let databases = open()?;
                let batches = acquire::acquire_many(&databases, &request, batches, token);
                Answer::AcquireMany(batches.await?)
            }
            Call::Batch { claim_token } => {
                Answer::Batch(find_attempt::running_batch(&open()?, &claim_token).await?)
            }
            Call::Items {
                claim_token,
                after,
                limit,
            } => Answer::Items(items::items(&open()?, &claim_token, after, limit).await?),
            Call::ItemsStatement { claim_token } => {
                Answer::ItemsStatement(items::items_statement(&open()?, &claim_token).await?)
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => Answer::Heartbeat(lease::heartbeat(&open()?, &claim_token, lease_seconds).await?),
            Call::Complete {
                claim_token,
                outcome,
            } => Answer::Complete(completion::complete(&open()?, &claim_token, &outcome).await?),
            Call::Release { claim_token, log } => {
                Answer::Release(completion::release(&open()?, &claim_token, log.as_deref()).await?)
            }
            Call::Plan {
                request,
                after,
                batches,
            } => Answer::Plan(plan::plan(&open()?, &request, after, batches).await?),
            Call::Progress { request, cap } => {
                Answer::Progress(progress::progress(&open()?, &request, cap).await?)
            }
            Call::Warnings { request } => {
                Answer::Warnings(warnings::warnings(&open()?, &request).await?)
            }
            Call::Requeue {
                meta_table,
                job,
                target,
            } => Answer::Requeue(requeue::requeue(&open()?, &meta_table, &job, &target).await?),
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => Answer::Audit(audit::audit(&open()?, &meta_table, &job, after, limit).await?),
            Call::Jobs { query } => Answer::Jobs(jobs::jobs(&open()?, &query).await?),
            Call::History { query } => Answer::History(history::history(&open()?, &query).await?),
            Call::SchemaStatements { dialect } => {
                Answer::SchemaStatements(migration::schema_statements(&self.database, dialect)?)
            }
            Call::Notifications { meta_table } => {
                Answer::Notifications(notify::notifications(&open()?, &meta_table).await?)
            }
            Call::Migrate {} => Answer::Migrate(migration::migrate(&open()?).await?),
        })
    }
}
