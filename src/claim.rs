//! Claiming batches: `acquire` and `acquire-many`.
//!
//! The ranges of a job form a chain: each row says which watermark it follows, and a unique index
//! lets only one follow each. So of two planners that saw the same watermark one inserts, and the
//! other reads the new watermark and plans again. No lock is held in between.

use crate::backoff;
use crate::claim_token::ClaimToken;
use crate::configuration;
use crate::database::{Database, Random, Rows, Source};
use crate::databases::Databases;
use crate::due;
use crate::error::Error;
use crate::fence;
use crate::find_attempt::find_attempt;
use crate::fused_claim::{self, FusedResult};
use crate::interface::{
    AcquireRequest, Acquired, Acquisition, Batch, Item, Nothing, NothingReason, PlannedBatch,
};
use crate::items::first_items;
use crate::job::{FIRST_ATTEMPT, Job};
use crate::judge::Judge;
use crate::judgement::Grounds;
use crate::meta_database::{self, Identity};
use crate::plan::look_ahead;
use crate::refusal_code::Kind;
use crate::retry::hand_out_again;
use crate::row_reader::RowReader;
use crate::sql::inventory::Claim;
use crate::standing::{self, Standing};
use crate::sums::{Recounted, Sums};
use crate::watermark::Watermark;

/// How often a claim is tried while other workers win, with a pause after each loss. With as many as
/// ten workers, one that is no slower than the rest loses so often once in 10^9 calls.
const MAX_ROUNDS: u32 = 200;
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

/// What was handed out.
pub(crate) enum HandedOut {
    /// Batches, with the first items of the only one where they were asked for.
    Batches(Vec<Batch>, Vec<Item>),
    /// Nothing.
    Nothing(Nothing),
}

/// Hands out the next batch.
#[synchronous]
pub(crate) async fn acquire<D: Database>(
    databases: &Databases<'_, D>,
    request: &AcquireRequest,
    claim_token: Option<&str>,
) -> Result<Acquisition, Error> {
    let job = databases.job(request).await?;
    let claimant = Claimant::new(databases.random, 1, claim_token)?;
    let handed_out = claim(Judge::new(databases), &job, claimant, 0, None).await?;
    Ok(handed_out.acquired()?.acquisition)
}

/// Hands out several batches that follow each other.
#[synchronous]
pub(crate) async fn acquire_many<D: Database>(
    databases: &Databases<'_, D>,
    request: &AcquireRequest,
    batches: u32,
    claim_token: Option<&str>,
) -> Result<Vec<Batch>, Error> {
    if !(1..=MAX_BATCHES).contains(&batches) {
        return Err(Error::invalid_request(format!(
            "batches must be from 1 to {MAX_BATCHES}, not {batches}; ask again for more"
        ))
        .of_field("batches")
        .with_limit(MAX_BATCHES));
    }
    let job = databases.job(request).await?;
    let claimant = Claimant::new(databases.random, batches, claim_token)?;
    match claim(Judge::new(databases), &job, claimant, 0, None).await? {
        HandedOut::Batches(batches, _) => Ok(batches),
        HandedOut::Nothing(_) => Ok(Vec::new()),
    }
}

/// Hands out as many batches as there are tokens, or fewer, or tells why there are none. One that is
/// handed out alone may come with up to so many of its items. `fused` is what a statement has done
/// that was to claim it, by what `judge` knows.
#[synchronous]
pub(crate) async fn claim<D: Database>(
    mut judge: Judge<'_, '_, D>,
    job: &Job,
    mut claimant: Claimant,
    items: u32,
    mut fused: Option<FusedResult>,
) -> Result<HandedOut, Error> {
    let databases = judge.databases;
    databases.claim_turn(job).await;
    let token = claimant.only_token();
    let token = token.filter(|_| fused_claim::is_possible(databases, job));
    if token.is_none()
        && let Some(batches) = claimant.find_if_any(databases, job).await?
    {
        return Ok(HandedOut::Batches(batches, Vec::new()));
    }
    for losses in 0..MAX_ROUNDS {
        if losses > 0 {
            let pause = backoff::after_losses(losses, databases.random);
            databases.pause(pause).await;
            // Meanwhile rows have come of age.
            judge = Judge::new(databases);
        }
        let fused = match (fused.take(), &token) {
            (Some(fused), _) => fused,
            (None, Some(token)) => {
                claim_in_one(&mut judge, job, &mut claimant, token, items).await?
            }
            (None, None) => FusedResult::Undecided(None),
        };
        // It may be the token that kept it from being claimed.
        if token.is_some()
            && !matches!(fused, FusedResult::Claimed(..))
            && let Some(batches) = claimant.find_if_any(databases, job).await?
        {
            return Ok(HandedOut::Batches(batches, Vec::new()));
        }
        let standing = match fused {
            FusedResult::Claimed(batch, items) => {
                return Ok(HandedOut::Batches(vec![batch], items));
            }
            FusedResult::Nothing(nothing, standing) => {
                return Ok(HandedOut::Nothing(Nothing {
                    due_in_seconds: due::in_seconds(databases, job, &standing).await?,
                    ..nothing
                }));
            }
            FusedResult::Lost(watermark) => {
                check_for_rival(databases, job, watermark.after(), FIRST_ATTEMPT, "").await?;
                continue;
            }
            FusedResult::Undecided(Some(standing)) => *standing,
            FusedResult::Undecided(None) => standing::read(databases, job).await?,
        };
        let claimed = claim_in_steps(&mut judge, job, &mut claimant, standing, items).await?;
        if let Some(handed_out) = claimed {
            return Ok(handed_out);
        }
    }
    Err(Error::exhausted_retries(format!(
        "other workers of the job {:?} were faster {MAX_ROUNDS} times in a row; call again, or let \
         fewer workers share the job",
        job.name
    ))
    .of_table(&job.meta_table))
}

/// Claims by the statement that does all at once. What it is refused for, the steps will tell.
#[synchronous]
async fn claim_in_one<D: Database>(
    judge: &mut Judge<'_, '_, D>,
    job: &Job,
    claimant: &mut Claimant,
    token: &ClaimToken,
    items: u32,
) -> Result<FusedResult, Error> {
    let databases = judge.databases;
    let prepared = fused_claim::prepare(judge, job).await?;
    match prepared.claim(databases, token, items, None).await {
        Ok(fused) => return Ok(fused.result),
        Err(failure) => match failure.kind {
            Kind::OutcomeUnknown => claimant.may_stand = true,
            Kind::Unavailable | Kind::Passing => return Err(databases.inventory_error(failure)),
            _ => {}
        },
    }
    Ok(FusedResult::Undecided(None))
}

/// Claims step by step, or does not since somebody else was faster.
#[synchronous]
async fn claim_in_steps<D: Database>(
    judge: &mut Judge<'_, '_, D>,
    job: &Job,
    claimant: &mut Claimant,
    standing: Standing,
    items: u32,
) -> Result<Option<HandedOut>, Error> {
    let databases = judge.databases;
    standing.check_configuration(job)?;
    if let Some(range) = standing.waiting {
        let claimed = hand_out_again(judge, job, claimant, &standing, range).await?;
        return Ok(claimed.handed_out());
    }
    let watermark = standing.watermark;
    let nothing = async |reason, scanned_to, held| {
        Ok(Some(HandedOut::Nothing(Nothing {
            reason,
            watermark: watermark.uid(),
            scanned_to,
            held,
            due_in_seconds: due::in_seconds(databases, job, &standing).await?,
        })))
    };
    if watermark.has_reached(job.bounds.id_max) {
        return nothing(NothingReason::BoundsDone, None, None).await;
    }
    let Some(settled) = fence::settled(databases, job).await? else {
        return nothing(NothingReason::Held, None, None).await;
    };
    let judgement = judge.judge(job, None).await?;
    let (density, batches) = (standing.density, claimant.batches());
    let ahead = look_ahead(databases, &settled, &judgement, watermark, density, batches).await?;
    if ahead.plan.batches.is_empty() {
        let reason = match ahead.plan.held {
            Some(_) => NothingReason::Held,
            None => NothingReason::CaughtUp,
        };
        return nothing(reason, ahead.scanned_to, ahead.plan.held).await;
    }
    let place = Place {
        after: watermark.after(),
        attempt: FIRST_ATTEMPT,
        watermark,
        queue_from: standing.queue_from,
        reach: Reach::Before(standing.through),
    };
    let meta_database = meta_database::to_be_kept(databases, job, &standing.meta_database).await?;
    let kept = (&judgement.grounds, &meta_database);
    let ranges = &ahead.plan.batches;
    let claimed = insert(databases, job, claimant, kept, place, ranges).await?;
    if let Claimed::Batches(batches) = &claimed
        && let ([batch], 1..) = (batches.as_slice(), items)
    {
        let items = first_items(databases, job, &judgement, batch, items).await;
        return Ok(Some(HandedOut::Batches(vec![batch.clone()], items)));
    }
    Ok(claimed.handed_out())
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
                max_attempts: job.retries.max_attempts,
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
        Err(failure) => match failure.kind {
            Kind::Conflict => refusal = Some(failure.message),
            Kind::OutcomeUnknown => claimant.may_stand = true,
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
async fn check_for_rival<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    after: i64,
    attempt: i64,
    message: &str,
) -> Result<(), Error> {
    let inventory = &databases.inventory;
    let meta_table = job.meta_table.scope();
    let statement = inventory.find_place(&meta_table, &job.name, after, attempt);
    if databases.inventory_row(statement).await?.is_some() {
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
        let (_, id, processing_start) = (claimed.iter())
            .find(|(token, ..)| token == claim.token.as_str())
            .cloned()
            .ok_or_else(|| Error::database("a claim came without its batch"))?;
        let follows = Watermark::followed(claim.after);
        Ok(job.batch(
            id,
            claim.token,
            claim.attempt,
            follows,
            range,
            processing_start,
        ))
    };
    claims.iter().map(batch_of).collect()
}

/// Whether a claimed batch still runs, with a lease that counts from now on: its owner counts from this
/// call, and may have claimed it a while ago.
#[synchronous]
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

impl Claimed {
    fn handed_out(self) -> Option<HandedOut> {
        match self {
            Self::Batches(batches) => Some(HandedOut::Batches(batches, Vec::new())),
            Self::Lost => None,
        }
    }
}

impl HandedOut {
    /// The only batch, with its first items.
    pub(crate) fn acquired(self) -> Result<Acquired, Error> {
        let (acquisition, items) = match self {
            Self::Batches(batches, items) => match batches.into_iter().next() {
                Some(batch) => (Acquisition::Batch(batch), items),
                None => return Err(Error::database("a claim came without its batch")),
            },
            Self::Nothing(nothing) => (Acquisition::Nothing(nothing), Vec::new()),
        };
        Ok(Acquired { acquisition, items })
    }
}

#[synchronous]
impl Claimant {
    pub(crate) fn new(
        random: &dyn Random,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<Self, Error> {
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

    /// How many batches are claimed at most.
    fn batches(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap_or(MAX_BATCHES)
    }

    /// The token, where one batch is claimed.
    pub(crate) fn only_token(&self) -> Option<ClaimToken> {
        match self.tokens.as_slice() {
            [token] => Some(token.clone()),
            _ => None,
        }
    }

    /// The answer of a claim with these tokens was lost.
    pub(crate) fn may_have_claimed(&mut self) {
        self.may_stand = true;
    }

    /// As [`find`](Self::find), where a claim with these tokens may stand already.
    async fn find_if_any<D: Database>(
        &self,
        databases: &Databases<'_, D>,
        job: &Job,
    ) -> Result<Option<Vec<Batch>>, Error> {
        if self.may_stand {
            self.find(databases, job).await
        } else {
            Ok(None)
        }
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
                return Err(Error::invalid_request(
                    "the claim token names a batch of another job; every claim needs a new one",
                )
                .of_field("claim-token"));
            }
            match why {
                Some(why) => ended = Some(why),
                None => batches.push(attempt.into_batch(token, job.meta_table.to_string())),
            }
        }
        match (batches.is_empty(), ended) {
            (false, _) => Ok(Some(batches)),
            (true, None) => Ok(None),
            (true, Some(why)) => Err(Error::superseded(format!(
                "{why}; every claim needs a new claim token"
            ))),
        }
    }
}
