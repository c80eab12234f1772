//! Signs of life: `heartbeat`.

use crate::claim_token::ClaimToken;
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::find_attempt::{find_attempt, no_such_batch};
use crate::job::check_seconds;
use crate::refusal_code::{Failure, Kind};

/// How often a heartbeat is repeated after its answer was lost.
const MAX_ROUNDS: u32 = 3;

/// Prolongs a batch's lease.
#[synchronous]
pub(crate) async fn heartbeat<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
    lease_seconds: u32,
) -> Result<(), Error> {
    let token = ClaimToken::parse(claim_token)?;
    check_seconds("lease-seconds", Some(lease_seconds), 1)?;
    let inventory = &databases.inventory;
    let mut lost_answer = String::new();
    for _ in 0..MAX_ROUNDS {
        let statement = inventory.prolong_lease(&token, lease_seconds);
        match databases.try_inventory(statement).await {
            Ok(rows) if rows.affected > 0 => return Ok(()),
            Ok(_) => {
                let attempt = (find_attempt(databases, &token).await?).ok_or_else(no_such_batch)?;
                return Err(attempt.superseded());
            }
            // A lease that is prolonged twice does no harm.
            Err(failure) if failure.kind == Kind::OutcomeUnknown => lost_answer = failure.message,
            Err(failure) => return Err(databases.inventory_error(failure)),
        }
    }
    Err(databases.inventory_error(Failure::outcome_unknown(lost_answer)))
}
