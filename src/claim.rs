//! Claiming batches: `acquire` and `acquire-many`.
//!
//! The ranges of a job form a chain: each row says which watermark it follows, and a unique index
//! lets only one follow each. So of two planners that saw the same watermark one inserts, and the
//! other reads the new watermark and plans again. No lock is held in between.

use crate::backoff::back_off;
use crate::claim_token::ClaimToken;
use crate::configuration;
use crate::database::{Database, DatabaseError, Random, Rows};
use crate::databases::Databases;
use crate::error::Error;
use crate::fence;
use crate::find_attempt::find_attempt;
use crate::interface::{AcquireRequest, Acquisition, Batch, Nothing, NothingReason, PlannedBatch};
use crate::job::{Fit, Job};
use crate::judge::Judge;
use crate::meta_database;
use crate::plan::look_ahead;
use crate::retry::hand_out_again;
use crate::row_reader::RowReader;
use crate::sql::inventory::Claim;
use crate::standing;
use crate::watermark::Watermark;

/// How often a claim is tried while other workers win, with a pause after each loss. With as many as
/// ten workers, one that is no slower than the rest loses so often once in 10^9 calls.
const MAX_ROUNDS: u32 = 200;
/// The attempt of a range that was never handed out before.
const FIRST_ATTEMPT: i64 = 1;
/// The most batches that are claimed at once.
const MAX_BATCHES: u32 = 1_000;

/// Who claims: the tokens of the batches to be.
pub(crate) struct Claimant {
    /// One for each batch.
    tokens: Vec<ClaimToken>,
    /// Whether a claim with these tokens may stand already: its answer was lost, or the caller gave
    /// the token and may have given it before.
    may_stand: bool,
}

/// Where a claim goes in the chain of a job.
pub(crate) struct Place {
    /// The end of the range that this one follows.
    pub(crate) after: i64,
    /// The number of the attempt.
    pub(crate) attempt: i64,
    /// The watermark that its planner saw.
    pub(crate) watermark: Watermark,
    /// No attempt that was planned at a lower watermark runs, or waits because it failed.
    pub(crate) queue_from: i64,
}

/// What became of a claim.
pub(crate) enum Claimed {
    /// It stands.
    Batches(Vec<Batch>),
    /// Somebody else was faster.
    Lost,
}

/// Hands out the next batch.
pub(crate) async fn acquire<D: Database, R: Random>(
    database: &D,
    random: &R,
    request: &AcquireRequest,
    claim_token: Option<&str>,
) -> Result<Acquisition, Error> {
    Ok(
        match claim(database, random, request, 1, claim_token).await? {
            Ok(batches) => match batches.into_iter().next() {
                Some(batch) => Acquisition::Batch(batch),
                None => return Err(Error::Database("a claim came without its batch".into())),
            },
            Err(nothing) => Acquisition::Nothing(nothing),
        },
    )
}

/// Hands out several batches that follow each other.
pub(crate) async fn acquire_many<D: Database, R: Random>(
    database: &D,
    random: &R,
    request: &AcquireRequest,
    batches: u32,
    claim_token: Option<&str>,
) -> Result<Vec<Batch>, Error> {
    if !(1..=MAX_BATCHES).contains(&batches) {
        return Err(Error::InvalidRequest(format!(
            "batches must be from 1 to {MAX_BATCHES}, not {batches}; ask again for more"
        )));
    }
    let claimed = claim(database, random, request, batches, claim_token).await?;
    Ok(claimed.unwrap_or_default())
}

/// Hands out up to so many batches, or tells why there are none.
async fn claim<D: Database, R: Random>(
    database: &D,
    random: &R,
    request: &AcquireRequest,
    batches: u32,
    claim_token: Option<&str>,
) -> Result<Result<Vec<Batch>, Nothing>, Error> {
    let databases = Databases::open(database)?;
    let job = databases.job(request).await?;
    let mut claimant = Claimant::new(random, batches, claim_token)?;
    if claimant.may_stand
        && let Some(batches) = claimant.find(&databases, &job).await?
    {
        return Ok(Ok(batches));
    }
    for losses in 0..MAX_ROUNDS {
        if losses > 0 {
            back_off(database, random, losses).await;
        }
        let standing = standing::read(&databases, &job).await?;
        standing.check_configuration(&job)?;
        let claimed = if let Some(range) = standing.waiting {
            hand_out_again(&databases, &job, &mut claimant, &standing, range).await?
        } else {
            let watermark = standing.watermark;
            let nothing = |reason, scanned_to, held| Nothing {
                reason,
                watermark: watermark.uid(),
                scanned_to,
                held,
            };
            if watermark.has_reached(job.bounds.id_max) {
                return Ok(Err(nothing(NothingReason::BoundsDone, None, None)));
            }
            let Some(settled) = fence::settled(&databases, &job).await? else {
                return Ok(Err(nothing(NothingReason::Held, None, None)));
            };
            let judgement = Judge::new(&databases).judge(&job, None).await?;
            let density = standing.density;
            let ahead = look_ahead(
                &databases, &settled, &judgement, watermark, density, batches,
            )
            .await?;
            if ahead.plan.batches.is_empty() {
                let reason = match ahead.plan.held {
                    Some(_) => NothingReason::Held,
                    None => NothingReason::CaughtUp,
                };
                return Ok(Err(nothing(reason, ahead.scanned_to, ahead.plan.held)));
            }
            let place = Place {
                after: watermark.after(),
                attempt: FIRST_ATTEMPT,
                watermark,
                queue_from: standing.queue_from,
            };
            let meta_database =
                meta_database::to_be_kept(&databases, &job, standing.meta_database()).await?;
            let config = configuration::write(&job.request, &judgement.grounds, &meta_database)?;
            let ranges = &ahead.plan.batches;
            insert(&databases, &job, &mut claimant, &config, place, ranges).await?
        };
        if let Claimed::Batches(batches) = claimed {
            return Ok(Ok(batches));
        }
    }
    Err(Error::ExhaustedRetries(format!(
        "other workers of the job {:?} were faster {MAX_ROUNDS} times in a row; call again, or let \
         fewer workers share the job",
        job.name
    )))
}

/// Claims ranges that follow each other, the first of them at this place, under this configuration.
pub(crate) async fn insert<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    claimant: &mut Claimant,
    config: &str,
    place: Place,
    ranges: &[PlannedBatch],
) -> Result<Claimed, Error> {
    let meta_table = job.meta_table.scope();
    let mut after = place.after;
    let claims: Vec<(Claim<'_>, &PlannedBatch)> = (ranges.iter())
        .zip(&claimant.tokens)
        .map(|(range, token)| {
            let claim = Claim {
                meta_table: &meta_table,
                job: &job.name,
                job_identifier: job.identifier.as_deref(),
                after: std::mem::replace(&mut after, range.id_end),
                id_start: range.id_start,
                id_end: range.id_end,
                count: i64::try_from(range.count).unwrap_or(i64::MAX),
                weight: job.columns.weight.as_ref().map(|_| range.weight),
                attempt: place.attempt,
                max_attempts: job.retries.max_attempts,
                watermark: place.watermark.after(),
                queue_from: place.queue_from,
                lease_seconds: job.lease_seconds,
                token,
                config,
            };
            (claim, range)
        })
        .collect();
    let mut refusal = None;
    let statement = (databases.inventory).insert_claims(claims.iter().map(|(claim, _)| claim));
    match databases.try_inventory(statement).await {
        Ok(_) if !databases.inventory.returns_claims() => {
            let statement = (databases.inventory).read_claims(claimant.tokens.iter());
            let rows = databases.inventory(statement).await?;
            return Ok(Claimed::Batches(read_batches(rows, job, &claims)?));
        }
        Ok(rows) if rows.rows.is_empty() => {
            refusal = Some("a row of the same id is there".to_owned());
        }
        Ok(rows) => match read_batches(rows, job, &claims) {
            Ok(batches) => return Ok(Claimed::Batches(batches)),
            // The claim stands, but its row cannot be read: as good as a lost answer.
            Err(_) => claimant.may_stand = true,
        },
        Err(DatabaseError::Conflict(message)) => refusal = Some(message),
        Err(DatabaseError::OutcomeUnknown(_)) => claimant.may_stand = true,
        Err(error) => return Err(databases.inventory_error(error)),
    }
    // It may stand now, or a moment later: its token tells.
    if claimant.may_stand
        && let Some(batches) = claimant.find(databases, job).await?
    {
        return Ok(Claimed::Batches(batches));
    }
    if let Some(message) = refusal {
        check_for_rival(databases, job, &place, &message).await?;
    }
    Ok(Claimed::Lost)
}

/// Whoever was faster stands in the place of a claim that was refused. If nobody does, it was not
/// the place that was taken but the row's id.
async fn check_for_rival<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    place: &Place,
    message: &str,
) -> Result<(), Error> {
    let inventory = &databases.inventory;
    let meta_table = job.meta_table.scope();
    let statement = inventory.find_place(&meta_table, &job.name, place.after, place.attempt);
    if databases.inventory_row(statement).await?.is_some() {
        return Ok(());
    }
    Err(Error::Database(format!(
        "the inventory table {:?} refused a claim although nobody was faster, so nothing was handed out: its \
         ids lag behind those that are there, as where a restore did not carry their sequence over; mend \
         it by: {} ({message})",
        inventory.name.to_string(),
        inventory.advance_ids()
    )))
}

/// The claimed batches, in the order of their ranges; databases give rows back in any order.
fn read_batches(
    rows: Rows,
    job: &Job,
    claims: &[(Claim<'_>, &PlannedBatch)],
) -> Result<Vec<Batch>, Error> {
    let mut claimed = Vec::new();
    for mut row in RowReader::all(rows) {
        claimed.push((row.text()?, row.int()?, row.text()?));
    }
    let batch_of = |(claim, range): &(Claim<'_>, &PlannedBatch)| {
        let (claim_token, id, processing_start) = claimed
            .iter()
            .find(|(token, ..)| token == claim.token.as_str())
            .cloned()
            .ok_or_else(|| Error::Database("a claim came without its batch".into()))?;
        Ok(Batch {
            id,
            claim_token,
            meta_table: job.meta_table.to_string(),
            job: claim.job.to_owned(),
            job_identifier: claim.job_identifier.map(str::to_owned),
            attempt: u32::try_from(claim.attempt).unwrap_or(u32::MAX),
            id_start: range.id_start,
            id_end: range.id_end,
            count: range.count,
            weight: range.weight,
            oversized: range.oversized,
            over_limit: job.limits.fit(range.count, range.weight) == Fit::OverLimit,
            passed_over_from: Watermark::followed(claim.after).passed_over_from(job.bounds.id_min),
            processing_start,
        })
    };
    claims.iter().map(batch_of).collect()
}

/// Whether a claimed batch still runs, with a lease that counts from now on: its owner counts from this
/// call, and may have claimed it a while ago.
async fn prolong<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    token: &ClaimToken,
) -> Result<bool, Error> {
    let Some(seconds) = job.lease_seconds else {
        return Ok(true);
    };
    let statement = (databases.inventory).prolong_lease(token, seconds);
    Ok(databases.inventory(statement).await?.affected > 0)
}

impl Claimant {
    fn new<R: Random>(random: &R, batches: u32, claim_token: Option<&str>) -> Result<Self, Error> {
        let first = claim_token.map(ClaimToken::parse).transpose()?;
        let token = |number: u32| match &first {
            Some(first) => first.numbered(number),
            None => Ok(ClaimToken::from_random(random.random())),
        };
        Ok(Self {
            tokens: (1..=batches).map(token).collect::<Result<_, _>>()?,
            may_stand: first.is_some(),
        })
    }

    /// The batches that run under these tokens, if any stand under them.
    ///
    /// # Errors
    ///
    /// [`Error::Superseded`] when all have ended: they are nobody's to process any more.
    async fn find<D: Database>(
        &self,
        databases: &Databases<'_, D>,
        job: &Job,
    ) -> Result<Option<Vec<Batch>>, Error> {
        let mut batches = Vec::new();
        let mut ended = None;
        for token in &self.tokens {
            let Some(attempt) = find_attempt(databases, token).await? else {
                break;
            };
            let runs = attempt.status == databases.inventory.labels.running
                && prolong(databases, job, token).await?;
            let why = (!runs).then(|| attempt.superseded());
            let is_of_job = attempt.scope == job.meta_table.scope() && attempt.job == job.name;
            if !is_of_job {
                return Err(Error::InvalidRequest(
                    "the claim token names a batch of another job; every claim needs a new one"
                        .into(),
                ));
            }
            match why {
                Some(why) => ended = Some(why),
                None => batches.push(attempt.into_batch(token, job.meta_table.to_string())),
            }
        }
        match (batches.is_empty(), ended) {
            (false, _) => Ok(Some(batches)),
            (true, None) => Ok(None),
            (true, Some(why)) => Err(Error::Superseded(format!(
                "{why}; every claim needs a new claim token"
            ))),
        }
    }
}
