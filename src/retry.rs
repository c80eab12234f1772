//! Handing a range out again, as a new attempt.

use crate::audit::count_again;
use crate::claim::{Claimed, Place, Reach, insert};
use crate::claimant::Claimant;
use crate::configuration;
use crate::database::Database;
use crate::error::Error;
use crate::interface::{Batch, PlannedBatch, Queue};
use crate::job::{Fit, Job};
use crate::judge::Judge;
use crate::meta_database;
use crate::next_batch::refuse_repeated_uids;
use crate::sql::inventory::LatestAttempt;
use crate::standing::Standing;
use crate::sums::Recounted;

/// Claims the next attempt at the range behind `after`, one of whose attempts waits.
///
/// The latest attempt's row is where its owner and this call meet: one that still runs is only
/// ended, on the condition that its lease is over, so that its owner can end it no more; then it
/// waits as one that failed. A crash after any step leaves it waiting.
#[synchronous]
pub(crate) async fn hand_out_again<D: Database>(
    judge: &mut Judge<'_, '_, D>,
    job: &Job,
    claimant: &mut Claimant,
    standing: &Standing,
    after: i64,
) -> Result<Claimed, Error> {
    let databases = judge.databases;
    let inventory = &databases.inventory;
    let key = job.key();
    let latest = inventory.read_latest_attempt(&key, after);
    let Some(latest) = databases.first_on_primary(latest).await? else {
        return Ok(Claimed::Lost);
    };
    let LatestAttempt {
        id_start,
        id_end,
        attempt,
        max_attempts,
        ..
    } = latest;
    if latest.has_earlier {
        // Whoever claimed this attempt did not come as far as to take the one before out of its
        // queue.
        let statement = inventory.leave_queue(&key, after, attempt);
        databases.inventory(statement).await?;
        return Ok(Claimed::Lost);
    }
    match latest.queue {
        Some(Queue::Retry | Queue::Requeued) => {}
        Some(Queue::Running) => {
            let is_taken = databases
                .inventory(inventory.take_over(latest.id))
                .await?
                .affected
                > 0;
            // Others may have been faster, and a range that has failed may have to rest.
            if !is_taken || attempt >= max_attempts || job.retries.delay_seconds.is_some() {
                return Ok(Claimed::Lost);
            }
        }
        // Meanwhile its owner has ended it, or somebody else has claimed the range.
        Some(Queue::Exhausted) | None => return Ok(Claimed::Lost),
    }
    let (request, judged_at, released) = match configuration::read(&latest.config) {
        Some(before) => {
            let released = max_attempts.saturating_sub(before.request.max_attempts.into());
            (
                configuration::of_further_attempt(before.request, &job.request),
                before.grounds.judged_at,
                released.max(0),
            )
        }
        None => (job.request.clone(), None, 0),
    };
    let job = &databases.job_as_kept(&request, &key.meta_table).await?;
    // Rows may have come, gone or changed since the last attempt.
    let judgement = judge.judge(job, judged_at.as_deref()).await?;
    let now = count_again(databases, job, &judgement, after, id_end).await?;
    if now.ids < now.count {
        refuse_repeated_uids(databases, job, after, id_end).await?;
    }
    let range = PlannedBatch {
        id_start: now.first.map_or(id_start, |first| first.min(id_start)),
        id_end,
        count: now.count,
        weight: now.weight,
        oversized: job.limits.fit(now.count, now.weight) == Fit::Oversized,
    };
    let attempt = attempt.saturating_add(1);
    let counted_now = (
        i64::try_from(now.count).unwrap_or(i64::MAX),
        (job.columns.weight.as_ref()).map_or(0.0, |_| now.weight),
    );
    let place = Place {
        after,
        attempt,
        released,
        watermark: standing.watermark,
        queue_from: standing.queue_from,
        reach: Reach::Through(latest.through, Recounted::of(latest.counted, counted_now)),
    };
    let meta_database = meta_database::to_be_kept(databases, job, &standing.meta_database).await?;
    let kept = (&judgement.grounds, &meta_database);
    let claimed = insert(databases, job, claimant, kept, place, &[range]).await?;
    let is_next = |batch: &Batch| i64::from(batch.attempt) == attempt && batch.id_end == id_end;
    if let Claimed::Batches(batches) = &claimed
        && batches.iter().any(is_next)
    {
        // When this fails, the next claim does it.
        let statement = inventory.leave_queue(&key, after, attempt);
        let _ = databases.inventory(statement).await;
    }
    Ok(claimed)
}
