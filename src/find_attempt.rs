//! Looking an attempt up by its claim token; the one that runs: `batch`.

use crate::claim_token::ClaimToken;
use crate::configuration::{self, Kept};
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{Batch, Lease, RunningBatch};
use crate::job::{Fit, Limits};
use crate::sql::inventory::FoundAttempt;

/// The attempt with this token, if there is one.
#[synchronous]
pub(crate) async fn find_attempt<D: Database>(
    databases: &Databases<'_, D>,
    token: &ClaimToken,
) -> Result<Option<FoundAttempt>, Error> {
    databases
        .first_on_primary(databases.inventory.find_attempt(token))
        .await
}

/// The running attempt with this token.
#[synchronous]
pub(crate) async fn running_batch<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
) -> Result<RunningBatch, Error> {
    let token = ClaimToken::parse(claim_token)?;
    let attempt = (find_attempt(databases, &token).await?).ok_or_else(no_such_batch)?;
    if attempt.status != databases.inventory.labels.running {
        return Err(attempt.superseded());
    }
    let meta_table = databases.told(attempt.scope.clone()).await?;
    Ok(RunningBatch {
        lease: attempt.lease(),
        batch: attempt.into_batch(&token, meta_table),
    })
}

/// Why there is no such attempt.
pub(crate) fn no_such_batch() -> Error {
    Error::no_such_batch(
        "no batch in this inventory has this claim token; pass on the one that acquire gave, and \
         check which inventory is meant. If both are right, the database has lost the batch, as a \
         failover may: its items are handed out again, so drop it",
    )
}

impl FoundAttempt {
    /// Whether its owner has ended it, with this status.
    pub(crate) fn was_ended_as(&self, status: &str) -> bool {
        self.status == status && self.lease_left.is_none()
    }

    /// Why its owner may not touch it any more.
    pub(crate) fn superseded(&self) -> Error {
        let (id_start, id_end) = (self.id_start, self.id_end);
        Error::superseded(if self.lease_left.is_some() {
            format!(
                "the batch of ids {id_start} to {id_end} was taken from its owner, since its lease ran \
                 out or it was requeued; nothing was changed"
            )
        } else {
            format!(
                "the batch of ids {id_start} to {id_end} has ended as {:?} already; nothing was changed",
                self.status
            )
        })
    }

    /// What was kept with it when it was claimed.
    pub(crate) fn kept(&self) -> Result<Kept, Error> {
        configuration::read_of_batch(&self.config, self.id)
    }

    /// Its lease while it runs.
    fn lease(&self) -> Option<Lease> {
        let left = u32::try_from(self.lease_left?.max(0)).unwrap_or(u32::MAX);
        let asked = self.kept().ok().and_then(|kept| kept.request.lease_seconds);
        // One that came by a sign of life alone is as long as is left of it.
        let seconds = asked.unwrap_or(left.max(1));
        Some(Lease { seconds, left })
    }

    /// The attempt as its owner sees it, who calls its table so.
    pub(crate) fn into_batch(self, token: &ClaimToken, meta_table: String) -> Batch {
        let (fit, id_min) = match self.kept() {
            Ok(Kept { request, .. }) => {
                let limits = Limits {
                    weight: request.max_weight,
                    count: request.max_count,
                };
                (limits.fit(self.count, self.weight), request.id_min)
            }
            Err(_) => (Fit::Within, None),
        };
        Batch {
            id: self.id,
            claim_token: token.as_str().to_owned(),
            meta_table,
            job: self.job,
            job_identifier: self.job_identifier,
            attempt: self.attempt,
            id_start: self.id_start,
            id_end: self.id_end,
            count: self.count,
            weight: self.weight,
            oversized: fit == Fit::Oversized,
            over_limit: fit == Fit::OverLimit,
            passed_over_from: self.follows.passed_over_from(id_min),
            processing_start: self.processing_start,
        }
    }
}
