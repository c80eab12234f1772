//! Claiming the next batch: `acquire`.
//!
//! The ranges of a job form a chain: each says which watermark its planner saw, and a unique index
//! lets only one range follow each watermark. Whoever loses a race reads the new watermark and
//! plans again. `docs/claims.md` argues why this is enough.

use crate::claim_token::ClaimToken;
use crate::database::{Database, DatabaseError, Random};
use crate::databases::{Databases, RowReader};
use crate::error::Error;
use crate::find_attempt::find_attempt;
use crate::interface::{AcquireRequest, Acquisition, Batch, Nothing, NothingReason, PlannedBatch};
use crate::job::Job;
use crate::next_batch::next_batch;
use crate::sql::inventory::Claim;
use crate::watermark::{self, Watermark};

/// How often a claim is tried while other workers win. With as many as ten workers, one that is no
/// slower than the rest loses so often once in 10^9 calls.
const MAX_ROUNDS: u32 = 200;
/// The attempt of a range that was never handed out before.
const FIRST_ATTEMPT: i64 = 1;

/// Hands out the next batch.
pub(crate) async fn acquire<D: Database, R: Random>(
    database: &D,
    random: &R,
    request: &AcquireRequest,
) -> Result<Acquisition, Error> {
    let databases = Databases::open(database)?;
    let job = databases.job(request)?;
    let config = serde_json::to_string(&job.request)
        .map_err(|error| Error::InvalidRequest(format!("the request is not JSON: {error}")))?;
    let token = ClaimToken::from_random(random.random());
    let mut answer_was_lost = false;

    for _ in 0..MAX_ROUNDS {
        let (watermark, density) = watermark::read(&databases, &job).await?;
        let nothing = |reason, scanned_to| {
            Acquisition::Nothing(Nothing {
                reason,
                watermark: watermark.uid(),
                scanned_to,
            })
        };
        if watermark.has_reached(job.bounds.id_max) {
            return Ok(nothing(NothingReason::BoundsDone, None));
        }
        let found = next_batch(&databases, &job, watermark.after(), density).await?;
        let Some(range) = found.batch else {
            return Ok(nothing(NothingReason::CaughtUp, found.scanned_to));
        };
        match claim(&databases, &job, &token, &config, watermark, range).await {
            Ok(Some(batch)) => return Ok(Acquisition::Batch(batch)),
            Ok(None) | Err(DatabaseError::Conflict(_)) => {}
            Err(DatabaseError::OutcomeUnknown(_)) => answer_was_lost = true,
            Err(error) => return Err(databases.inventory_error(error)),
        }
        // The claim whose answer was lost may stand, now or a moment later: its token tells.
        if answer_was_lost && let Some(attempt) = find_attempt(&databases, &token).await? {
            return Ok(Acquisition::Batch(attempt.into_batch(&token)));
        }
    }
    Err(Error::ExhaustedRetries(format!(
        "other workers of the job {:?} were faster {MAX_ROUNDS} times in a row; call again, or let \
         fewer workers share the job",
        job.name
    )))
}

/// Claims a range behind a watermark; `None` when somebody else did.
async fn claim<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    token: &ClaimToken,
    config: &str,
    watermark: Watermark,
    range: PlannedBatch,
) -> Result<Option<Batch>, DatabaseError> {
    let meta_table = job.meta_table.to_string();
    let statement = databases.inventory.insert_claim(&Claim {
        meta_table: &meta_table,
        job: &job.name,
        job_identifier: job.identifier.as_deref(),
        after: watermark.after(),
        id_start: range.id_start,
        id_end: range.id_end,
        count: i64::try_from(range.count).unwrap_or(i64::MAX),
        weight: job.columns.weight.as_ref().map(|_| range.weight),
        attempt: FIRST_ATTEMPT,
        token,
        config,
    });
    let rows = databases.try_inventory(statement).await?;
    let read = |mut row: RowReader| Ok((row.int()?, row.text()?));
    let inserted = match RowReader::first(rows).and_then(|row| row.map(read).transpose()) {
        Ok(Some(inserted)) => inserted,
        Ok(None) => return Ok(None),
        // The claim stands, but its row cannot be read: as good as a lost answer.
        Err(error) => return Err(DatabaseError::OutcomeUnknown(error.to_string())),
    };
    let (id, processing_start) = inserted;
    Ok(Some(Batch {
        id,
        claim_token: token.as_str().to_owned(),
        meta_table,
        job: job.name.clone(),
        job_identifier: job.identifier.clone(),
        attempt: 1,
        id_start: range.id_start,
        id_end: range.id_end,
        count: range.count,
        weight: range.weight,
        oversized: range.oversized,
        processing_start,
    }))
}
