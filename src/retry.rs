//! Handing a range out again, as a new attempt.

use crate::claim::{Claimant, Claimed, insert};
use crate::database::Database;
use crate::databases::{Databases, RowReader};
use crate::error::Error;
use crate::interface::PlannedBatch;
use crate::job::Job;
use crate::sql::meta;
use crate::standing::WaitingAttempt;

/// Claims the next attempt at a range. The old attempt's row is where its owner and this call meet:
/// one that still runs is ended first, on the condition that its lease is over, so that its owner
/// can end it no more. A crash in between leaves a failed attempt, whose range waits as before.
pub(crate) async fn hand_out_again<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    claimant: &mut Claimant,
    waiting: &WaitingAttempt,
) -> Result<Claimed, Error> {
    if waiting.lease_is_over {
        let statement = databases.inventory.take_over(waiting.id);
        if databases.inventory(statement).await?.affected == 0 {
            // Its owner or another worker was faster.
            return Ok(Claimed::Lost);
        }
        if waiting.attempt >= i64::from(job.retries.max_attempts) {
            return Ok(Claimed::Lost);
        }
    }
    // Rows may have come, gone or changed since the last attempt.
    let statement = meta::count_range(
        job,
        databases.meta_dialect,
        waiting.id_start,
        waiting.id_end,
    );
    let mut row = RowReader::only(databases.meta(job, statement).await?)?;
    let (count, weight) = (row.count()?, row.double()?);
    let range = PlannedBatch {
        id_start: waiting.id_start,
        id_end: waiting.id_end,
        count,
        weight,
        oversized: job.limits.weight.is_some_and(|most| weight > most),
    };
    let claimed = insert(
        databases,
        job,
        claimant,
        waiting.after,
        waiting.attempt.saturating_add(1),
        &[range],
    )
    .await?;
    // Whoever claimed it: a later attempt is there. If this is not reached, it is only seen later.
    let statement = databases.inventory.leave_queue(waiting.id);
    match databases.inventory(statement).await {
        Ok(_) => Ok(claimed),
        Err(error) => match claimed {
            Claimed::Batches(_) => Ok(claimed),
            Claimed::Lost => Err(error),
        },
    }
}
