//! The operations as the interface has them: records in, records out, with no batch in anybody's hands.

use batchintory::{Acquisition, Answer, Call, Operations};

use crate::batch::Acquired;
use crate::error::Error;
use crate::inventory::Inventory;

impl Operations for Inventory {
    type Error = Error;

    async fn call(&self, call: Call) -> Result<Answer, Error> {
        Ok(match call {
            Call::Acquire {
                request,
                claim_token,
            } => Answer::Acquire(
                match self.acquire_as(&request, claim_token.as_deref()).await? {
                    Acquired::Batch(batch) => Acquisition::Batch(batch.into_record()),
                    Acquired::Nothing(nothing) => Acquisition::Nothing(nothing),
                },
            ),
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => {
                let token = claim_token.as_deref();
                Answer::Advance(self.advance(done.as_ref(), &request, token, items).await?)
            }
            Call::AcquireMany {
                request,
                batches,
                claim_token,
            } => {
                let token = claim_token.as_deref();
                let batches = self.acquire_many_as(&request, batches, token).await?;
                let records = batches.into_iter().map(|batch| batch.into_record());
                Answer::AcquireMany(records.collect())
            }
            Call::Items {
                claim_token,
                after,
                limit,
            } => Answer::Items(self.items(&claim_token, after, limit).await?),
            Call::ItemsStatement { claim_token } => {
                Answer::ItemsStatement(self.items_statement(&claim_token).await?)
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => Answer::Heartbeat(self.heartbeat(&claim_token, lease_seconds).await?),
            Call::Complete {
                claim_token,
                outcome,
            } => Answer::Complete(self.complete(&claim_token, &outcome).await?),
            Call::Plan {
                request,
                after,
                batches,
            } => Answer::Plan(self.plan(&request, after, batches).await?),
            Call::Progress { request, cap } => {
                Answer::Progress(self.progress(&request, cap).await?)
            }
            Call::Warnings { request } => Answer::Warnings(self.warnings(&request).await?),
            Call::Requeue {
                meta_table,
                job,
                target,
            } => Answer::Requeue(self.requeue(&meta_table, &job, &target).await?),
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => Answer::Audit(self.audit(&meta_table, &job, after, limit).await?),
            Call::Jobs { query } => Answer::Jobs(self.jobs(&query).await?),
            Call::History { query } => Answer::History(self.history(&query).await?),
            Call::SchemaStatements { dialect } => {
                Answer::SchemaStatements(self.schema_statements(dialect).await?)
            }
            Call::Notifications { meta_table } => {
                Answer::Notifications(self.notifications(&meta_table).await?)
            }
            Call::Migrate {} => Answer::Migrate(self.migrate().await?),
        })
    }
}
