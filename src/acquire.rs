//! Handing out batches: `acquire` and `acquire-many`.

use crate::backoff;
use crate::claim::{Claimed, Place, Reach, check_for_rival, insert};
use crate::claim_token::ClaimToken;
use crate::claimant::{Claimant, MAX_BATCHES};
use crate::database::Database;
use crate::databases::Databases;
use crate::due;
use crate::error::Error;
use crate::fence;
use crate::fused_claim::{self, FusedResult};
use crate::interface::{
    AcquireRequest, Acquired, Acquisition, Batch, Item, Nothing, NothingReason,
};
use crate::items::first_items;
use crate::job::{FIRST_ATTEMPT, Job};
use crate::judge::Judge;
use crate::meta_database;
use crate::plan::look_ahead;
use crate::refusal_code::Kind;
use crate::retry::hand_out_again;
use crate::standing::{self, Standing};

/// How often a claim is tried while other workers win, with a pause after each loss. With as many as
/// ten workers, one that is no slower than the rest loses so often once in 10^9 calls.
const MAX_ROUNDS: u32 = 200;

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
            Kind::OutcomeUnknown => claimant.may_have_claimed(),
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
        return Ok(HandedOut::of_claim(claimed));
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
        released: 0,
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
    Ok(HandedOut::of_claim(claimed))
}

impl HandedOut {
    /// What a claim hands out, unless somebody else was faster.
    fn of_claim(claimed: Claimed) -> Option<Self> {
        match claimed {
            Claimed::Batches(batches) => Some(Self::Batches(batches, Vec::new())),
            Claimed::Lost => None,
        }
    }

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
