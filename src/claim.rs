//! Claiming ranges: a claim takes its place in the chain of a job.
//!
//! The ranges of a job form a chain: each row says which watermark it follows, and a unique index
//! lets only one follow each. So of two planners that saw the same watermark one inserts, and the
//! other reads the new watermark and plans again. No lock is held in between.

use crate::claimant::Claimant;
use crate::configuration;
use crate::database::{Database, Source};
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{Batch, PlannedBatch};
use crate::job::Job;
use crate::judgement::Grounds;
use crate::meta_database::Identity;
use crate::refusal_code::Kind;
use crate::sql::inventory::{Claim, ClaimedRange};
use crate::sums::{Recounted, Sums};
use crate::watermark::Watermark;

/// Where a claim goes in the chain of a job.
pub(crate) struct Place {
    /// The end of the range that this one follows.
    pub(crate) after: i64,
    /// The number of the attempt.
    pub(crate) attempt: i64,
    /// How many attempts at the range were released before, each of which allows one more.
    pub(crate) released: i64,
    /// The watermark that its planner saw.
    pub(crate) watermark: Watermark,
    /// No attempt that was planned at a lower watermark runs, or waits because it failed.
    pub(crate) queue_from: i64,
    pub(crate) reach: Reach,
}

/// What the job has handed out so far, as a claim finds it.
pub(crate) enum Reach {
    /// What it has handed out before a new range.
    Before(Sums),
    /// What it has handed out up to and with a range that is handed out again, and by how much the range
    /// differs from what the attempt before counted.
    Through(Sums, Option<Recounted>),
}

impl Reach {
    /// The sums and the difference that a range of so many items keeps.
    fn of_range(&mut self, items: i64, weight: f64) -> (Sums, Option<Recounted>) {
        match self {
            Self::Before(sums) => {
                *sums = sums.with(items, weight);
                (*sums, None)
            }
            Self::Through(sums, recounted) => (*sums, *recounted),
        }
    }
}

/// What became of a claim.
pub(crate) enum Claimed {
    /// It stands.
    Batches(Vec<Batch>),
    /// Somebody else was faster.
    Lost,
}

/// Claims ranges that follow each other, the first of them at this place. What the conditions rest on
/// and the meta table's database are kept with them.
#[synchronous]
pub(crate) async fn insert<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    claimant: &mut Claimant,
    (grounds, meta_database): (&Grounds, &Identity),
    mut place: Place,
    ranges: &[PlannedBatch],
) -> Result<Claimed, Error> {
    let meta_table = job.meta_table.scope();
    let config = configuration::write(&job.request, grounds)?;
    let config_fingerprint = configuration::fingerprint(&job.request);
    let mut after = place.after;
    let claims: Vec<(Claim<'_>, &PlannedBatch)> = (ranges.iter())
        .zip(&claimant.tokens)
        .map(|(range, token)| {
            let count = i64::try_from(range.count).unwrap_or(i64::MAX);
            let weight = job.columns.weight.as_ref().map(|_| range.weight);
            let (through, recounted) = (place.reach).of_range(count, weight.unwrap_or_default());
            let claim = Claim {
                meta_table: &meta_table,
                job: &job.name,
                job_identifier: job.identifier.as_deref(),
                after: std::mem::replace(&mut after, range.id_end),
                id_start: range.id_start,
                id_end: range.id_end,
                count,
                weight,
                attempt: place.attempt,
                max_attempts: i64::from(job.retries.max_attempts).saturating_add(place.released),
                watermark: place.watermark.after(),
                queue_from: place.queue_from,
                through,
                recounted,
                lease_seconds: job.lease_seconds,
                token,
                config: &config,
                config_fingerprint,
                meta_database: meta_database.kept(),
            };
            (claim, range)
        })
        .collect();
    let mut refusal = None;
    let insert = (databases.inventory).insert_claims(claims.iter().map(|(claim, _)| claim));
    match databases.try_inventory(insert.statement).await {
        Ok(rows) if rows.rows.is_empty() && !databases.inventory.returns_claims() => {
            let standing = (databases.inventory).read_claims(claimant.tokens.iter());
            let claimed = databases.inventory_rows(standing).await?;
            return Ok(Claimed::Batches(batches(claimed, job, &claims)?));
        }
        Ok(rows) if rows.rows.is_empty() => {
            refusal = Some("a row of the same id is there".to_owned());
        }
        Ok(rows) => match batches(insert.rows.all(rows), job, &claims) {
            Ok(batches) => return Ok(Claimed::Batches(batches)),
            // The claim stands, but its row cannot be read: as good as a lost answer.
            Err(_) => claimant.may_have_claimed(),
        },
        Err(failure) => match failure.kind {
            Kind::Conflict => refusal = Some(failure.message),
            Kind::OutcomeUnknown => claimant.may_have_claimed(),
            _ => return Err(databases.inventory_error(failure)),
        },
    }
    // It may stand now, or a moment later: its token tells.
    if let Some(batches) = claimant.find_if_any(databases, job).await? {
        return Ok(Claimed::Batches(batches));
    }
    if let Some(message) = refusal {
        check_for_rival(databases, job, place.after, place.attempt, &message).await?;
    }
    Ok(Claimed::Lost)
}

/// Whoever was faster stands in the place of a claim that was refused. If nobody does, it was not
/// the place that was taken but the row's id.
#[synchronous]
pub(crate) async fn check_for_rival<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    after: i64,
    attempt: i64,
    message: &str,
) -> Result<(), Error> {
    let inventory = &databases.inventory;
    let place = inventory.find_place(&job.key(), after, attempt);
    if databases.first_on_primary(place).await?.is_some() {
        return Ok(());
    }
    Err(Error::database(format!(
        "the inventory table {:?} refused a claim although nobody was faster, so nothing was handed out: its \
         ids lag behind those that are there, as where a restore did not carry their sequence over; mend \
         it by: {} ({message})",
        inventory.name.to_string(),
        inventory.advance_ids()
    ))
    .of_table(&inventory.name)
    .of_database(Source::Inventory, String::new()))
}

/// The claimed batches, in the order of their ranges; databases give rows back in any order.
fn batches(
    claimed: impl Iterator<Item = Result<ClaimedRange, Error>>,
    job: &Job,
    claims: &[(Claim<'_>, &PlannedBatch)],
) -> Result<Vec<Batch>, Error> {
    let claimed = claimed.collect::<Result<Vec<_>, _>>()?;
    let batch_of = |(claim, range): &(Claim<'_>, &PlannedBatch)| {
        let ClaimedRange {
            id,
            processing_start,
            ..
        } = (claimed.iter())
            .find(|claimed| claimed.token == claim.token.as_str())
            .ok_or_else(|| Error::database("a claim came without its batch"))?;
        let follows = Watermark::followed(claim.after);
        Ok(job.batch(
            *id,
            claim.token,
            claim.attempt,
            follows,
            range,
            processing_start.clone(),
        ))
    };
    claims.iter().map(batch_of).collect()
}
