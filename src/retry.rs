//! Handing a range out again, as a new attempt.

use crate::audit::count_again;
use crate::claim::{Claimant, Claimed, Place, insert};
use crate::configuration;
use crate::database::Database;
use crate::databases::{Databases, RowReader};
use crate::error::Error;
use crate::interface::{Batch, PlannedBatch, Queue};
use crate::job::Job;

/// Claims the next attempt at the range of a waiting one.
///
/// The old attempt's row is where its owner and this call meet: one that still runs is only ended, on
/// the condition that its lease is over, so that its owner can end it no more; then it waits as one
/// that failed. A crash after any step leaves it waiting.
pub(crate) async fn hand_out_again<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    claimant: &mut Claimant,
    queue_from: i64,
    waiting: i64,
) -> Result<Claimed, Error> {
    let statement = databases.inventory.read_waiting(waiting);
    let Some(mut row) = RowReader::first(databases.inventory(statement).await?)? else {
        return Ok(Claimed::Lost);
    };
    let queue = row.optional_text()?.as_deref().and_then(Queue::parse);
    let after = row.int()?;
    let (id_start, id_end) = (row.int()?, row.int()?);
    let attempt = row.int()?;
    let max_attempts = row.int()?;
    let config_before = row.text()?;
    let is_followed = row.int()? != 0;
    match queue {
        Some(Queue::Retry | Queue::Requeued) => {}
        Some(Queue::Running) => {
            let statement = databases.inventory.take_over(waiting);
            let is_taken = databases.inventory(statement).await?.affected > 0;
            // Others may have been faster, and a range that has failed may have to rest.
            if !is_taken || attempt >= max_attempts || job.retries.delay_seconds.is_some() {
                return Ok(Claimed::Lost);
            }
        }
        // Meanwhile its owner has ended it, or somebody else has claimed the range.
        Some(Queue::Exhausted) | None => return Ok(Claimed::Lost),
    }
    if is_followed {
        // Whoever claimed the later attempt did not come this far.
        databases
            .inventory(databases.inventory.leave_queue(waiting))
            .await?;
        return Ok(Claimed::Lost);
    }
    let request = match configuration::read(&config_before) {
        Some(before) => configuration::of_further_attempt(before, &job.request),
        None => job.request.clone(),
    };
    let job = &databases.job(&request)?;
    // Rows may have come, gone or changed since the last attempt.
    let now = count_again(databases, job, after, id_end).await?;
    let range = PlannedBatch {
        id_start: now.first.map_or(id_start, |first| first.min(id_start)),
        id_end,
        count: now.count,
        weight: now.weight,
        oversized: job.limits.weight.is_some_and(|most| now.weight > most),
    };
    let attempt = attempt.saturating_add(1);
    let place = Place {
        after,
        attempt,
        queue_from,
    };
    let config = configuration::write(&job.request)?;
    let claimed = insert(databases, job, claimant, &config, place, &[range]).await?;
    let is_next = |batch: &Batch| i64::from(batch.attempt) == attempt && batch.id_end == id_end;
    if let Claimed::Batches(batches) = &claimed
        && batches.iter().any(is_next)
    {
        // When this fails, the next claim does it.
        let _ = (databases.inventory(databases.inventory.leave_queue(waiting))).await;
    }
    Ok(claimed)
}
