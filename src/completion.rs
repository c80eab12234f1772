//! Ending a batch: `complete`.

use crate::claim_token::ClaimToken;
use crate::database::{Database, DatabaseError};
use crate::databases::Databases;
use crate::error::Error;
use crate::find_attempt::{find_attempt, no_such_batch};
use crate::interface::Outcome;
use crate::sql::inventory::Ending;

/// The longest result and the longest log, in bytes each.
const MAX_OUTCOME_BYTES: usize = 1024 * 1024;
/// How often a completion is repeated after its answer was lost.
const MAX_ROUNDS: u32 = 3;

/// Ends a batch.
pub(crate) async fn complete<D: Database>(
    database: &D,
    claim_token: &str,
    outcome: &Outcome,
) -> Result<(), Error> {
    let databases = Databases::open(database)?;
    let token = ClaimToken::parse(claim_token)?;
    check(outcome)?;
    let inventory = &databases.inventory;
    let ending = Ending {
        succeeded: outcome.succeeded,
        result_item: outcome.result_item.as_deref(),
        log: outcome.log.as_deref(),
    };
    let mut lost_answer = String::new();
    for _ in 0..MAX_ROUNDS {
        match databases
            .try_inventory(inventory.end_attempt(&token, ending))
            .await
        {
            Ok(rows) if rows.affected > 0 => return Ok(()),
            Ok(_) => {}
            Err(DatabaseError::OutcomeUnknown(message)) => lost_answer = message,
            Err(error) => return Err(databases.inventory_error(error)),
        }
        let attempt = find_attempt(&databases, &token)
            .await?
            .ok_or_else(no_such_batch)?;
        if attempt.was_ended_as(inventory.label(outcome.succeeded)) {
            return Ok(());
        }
        if attempt.status != inventory.labels.running {
            return Err(attempt.superseded());
        }
    }
    Err(databases.inventory_error(DatabaseError::OutcomeUnknown(lost_answer)))
}

fn check(outcome: &Outcome) -> Result<(), Error> {
    for (field, text) in [("result-item", &outcome.result_item), ("log", &outcome.log)] {
        let Some(text) = text else { continue };
        if text.len() > MAX_OUTCOME_BYTES {
            return Err(Error::InvalidRequest(format!(
                "{field} has {} bytes; at most {MAX_OUTCOME_BYTES} are allowed: keep it elsewhere \
                 and put its place here",
                text.len()
            )));
        }
        if text.contains('\0') {
            return Err(Error::InvalidRequest(format!(
                "{field} must not hold a NUL character"
            )));
        }
    }
    if let Some(result_item) = &outcome.result_item {
        serde_json::from_str::<serde::de::IgnoredAny>(result_item).map_err(|error| {
            Error::InvalidRequest(format!("result-item is not a JSON document: {error}"))
        })?;
    }
    Ok(())
}
