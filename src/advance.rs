//! Ending a batch and claiming the next one with its first items: `advance`.

use crate::acquire::claim;
use crate::claim_token::ClaimToken;
use crate::claimant::Claimant;
use crate::completion;
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::fused_claim::{self, FusedResult};
use crate::interface::{AcquireRequest, Advanced, Completion};
use crate::items::MAX_PAGE_ITEMS;
use crate::job::Job;
use crate::judge::Judge;
use crate::refusal_code::Kind;
use crate::sql::inventory::{End, Ending};

/// What is to be done.
pub(crate) struct Turn<'a> {
    /// The batch to end first.
    pub(crate) done: Option<&'a Completion>,
    /// What to hand out next.
    pub(crate) request: &'a AcquireRequest,
    /// The next batch's token.
    pub(crate) claim_token: Option<&'a str>,
    /// How many of its items to give at most.
    pub(crate) items: u32,
}

/// Ends a batch, where there is one to end, and hands out the next once it has ended.
#[synchronous]
pub(crate) async fn advance<D: Database>(
    databases: &Databases<'_, D>,
    turn: Turn<'_>,
) -> Result<Advanced, Error> {
    let done = match turn.done {
        Some(done) => {
            completion::check(&done.outcome)?;
            Some((ClaimToken::parse(&done.claim_token)?, &done.outcome))
        }
        None => None,
    };
    let mut claiming = prepare(databases, &turn).await;
    let mut judge = Judge::new(databases);
    let ending = (done.as_ref()).map(|(token, outcome)| (token, completion::ending(outcome)));
    let fused = match (&mut claiming, ending) {
        (Ok((job, claimant)), Some(ending)) => {
            in_one_statement(&mut judge, job, claimant, turn.items, ending).await
        }
        _ => None,
    };
    if let Some((token, outcome)) = &done
        && fused.is_none()
    {
        completion::end(databases, token, completion::ending(outcome)).await?;
    }
    let next = match claiming {
        Ok((job, claimant)) => claim(judge, &job, claimant, turn.items, fused)
            .await
            .and_then(|handed_out| handed_out.acquired()),
        Err(error) => Err(error),
    };
    Ok(Advanced { next })
}

/// Checks what is asked for.
#[synchronous]
async fn prepare<D: Database>(
    databases: &Databases<'_, D>,
    turn: &Turn<'_>,
) -> Result<(Job, Claimant), Error> {
    if turn.items > MAX_PAGE_ITEMS {
        return Err(Error::invalid_request(format!(
            "items must be at most {MAX_PAGE_ITEMS}, not {}; `items` gives the rest",
            turn.items
        ))
        .of_field("items")
        .with_limit(MAX_PAGE_ITEMS));
    }
    let job = databases.job(turn.request).await?;
    Ok((job, Claimant::new(databases.random, 1, turn.claim_token)?))
}

/// Both in one statement, where that can be. Without a result nothing was done, or it is not known:
/// each by itself then says what is wrong.
#[synchronous]
async fn in_one_statement<D: Database>(
    judge: &mut Judge<'_, '_, D>,
    job: &Job,
    claimant: &mut Claimant,
    items: u32,
    ending: (&ClaimToken, Ending<'_>),
) -> Option<FusedResult> {
    let databases = judge.databases;
    let token = claimant.only_token()?;
    // A range that fails is to be handed out before new ones, and the statement does not see that it has.
    let may_end = fused_claim::may_end(databases) && ending.1.end == End::Succeeded;
    if !may_end || !fused_claim::is_possible(databases, job) {
        return None;
    }
    databases.claim_turn(job).await;
    let prepared = fused_claim::prepare(judge, job).await.ok()?;
    match prepared.claim(databases, &token, items, Some(ending)).await {
        Ok(fused) => fused.has_ended.then_some(fused.result),
        Err(failure) => {
            if failure.kind == Kind::OutcomeUnknown {
                claimant.may_have_claimed();
            }
            None
        }
    }
}
