//! Who claims: one or several batches by their tokens, so that a claim whose answer was lost is found again.

use crate::claim_token::ClaimToken;
use crate::database::{Database, Random};
use crate::databases::Databases;
use crate::error::Error;
use crate::find_attempt::find_attempt;
use crate::interface::Batch;
use crate::job::Job;

/// The most batches that are claimed at once.
pub(crate) const MAX_BATCHES: u32 = 1_000;

/// Who claims: the tokens of the batches to be.
pub(crate) struct Claimant {
    /// One for each batch.
    pub(crate) tokens: Vec<ClaimToken>,
    /// Whether a claim with these tokens may stand already: its answer was lost, or the caller gave
    /// the token and may have given it before.
    may_stand: bool,
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
    pub(crate) fn batches(&self) -> u32 {
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
    pub(crate) async fn find_if_any<D: Database>(
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
