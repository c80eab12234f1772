//! Ending a batch: `complete`, `release`.

use crate::claim_token::ClaimToken;
use crate::database::{Database, Source};
use crate::databases::Databases;
use crate::error::Error;
use crate::find_attempt::{find_attempt, no_such_batch};
use crate::interface::Outcome;
use crate::refusal_code::{Failure, Kind};
use crate::sql::inventory::{End, Ending};

/// The longest result and the longest log, in bytes each.
const MAX_OUTCOME_BYTES: usize = 1024 * 1024;
/// The most lists and objects of a result that lie within each other: whoever reads it in a list of
/// attempts meets a few more, and many readers take a hundred or so.
const MAX_RESULT_LEVELS: usize = 64;
/// What it is called in the interface.
const RESULT_ITEM: &str = "result-item";
/// How often a completion is repeated after its answer was lost.
const MAX_ROUNDS: u32 = 3;

/// Ends a batch.
#[synchronous]
pub(crate) async fn complete<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
    outcome: &Outcome,
) -> Result<(), Error> {
    let token = ClaimToken::parse(claim_token)?;
    check(outcome)?;
    end(databases, &token, ending(outcome)).await
}

/// Gives a batch back.
#[synchronous]
pub(crate) async fn release<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
    log: Option<&str>,
) -> Result<(), Error> {
    let token = ClaimToken::parse(claim_token)?;
    check_text("log", log)?;
    let ending = Ending {
        end: End::Released,
        result_item: None,
        log: Some(log.unwrap_or("released")),
    };
    end(databases, &token, ending).await
}

/// Ends a batch in a way that was checked.
#[synchronous]
pub(crate) async fn end<D: Database>(
    databases: &Databases<'_, D>,
    token: &ClaimToken,
    ending: Ending<'_>,
) -> Result<(), Error> {
    let inventory = &databases.inventory;
    let mut lost_answer = String::new();
    for _ in 0..MAX_ROUNDS {
        match databases
            .try_inventory(inventory.end_attempt(token, ending))
            .await
        {
            Ok(rows) if rows.affected > 0 => return Ok(()),
            Ok(_) => {}
            Err(failure) if failure.kind == Kind::OutcomeUnknown => lost_answer = failure.message,
            Err(failure) if failure.is_of_a_value() => {
                return Err(cannot_be_kept(failure));
            }
            Err(failure) => return Err(databases.inventory_error(failure)),
        }
        let attempt = find_attempt(databases, token)
            .await?
            .ok_or_else(no_such_batch)?;
        if attempt.was_ended_as(inventory.label(ending.end)) {
            return Ok(());
        }
        if attempt.status != inventory.labels.running {
            return Err(attempt.superseded());
        }
    }
    Err(databases.inventory_error(Failure::outcome_unknown(lost_answer)))
}

/// What is kept of an outcome.
pub(crate) fn ending(outcome: &Outcome) -> Ending<'_> {
    Ending {
        end: if outcome.succeeded {
            End::Succeeded
        } else {
            End::Failed
        },
        result_item: outcome.result_item.as_deref(),
        log: outcome.log.as_deref(),
    }
}

/// An outcome that the database would not take the next time either.
fn cannot_be_kept(failure: Failure) -> Error {
    let message = failure.message;
    Error::invalid_request(format!(
        "the inventory's database can never store this result or log, by its characters, size or \
         form: {message}; keep it elsewhere and put its place here"
    ))
    .of_database(Source::Inventory, failure.code)
}

/// Checks an outcome against everything that can be known without a database.
pub(crate) fn check(outcome: &Outcome) -> Result<(), Error> {
    check_text(RESULT_ITEM, outcome.result_item.as_deref())?;
    check_text("log", outcome.log.as_deref())?;
    if let Some(result_item) = &outcome.result_item {
        serde_json::from_str::<serde::de::IgnoredAny>(result_item).map_err(|error| {
            Error::invalid_request(format!("result-item is not a JSON document: {error}"))
                .of_field(RESULT_ITEM)
        })?;
        let levels = levels(result_item);
        if levels > MAX_RESULT_LEVELS {
            return Err(Error::invalid_request(format!(
                "result-item is nested {levels} levels deep; at most {MAX_RESULT_LEVELS} are allowed"
            ))
            .of_field(RESULT_ITEM)
            .with_limit(MAX_RESULT_LEVELS));
        }
    }
    Ok(())
}

/// Checks a result or a log as text.
fn check_text(field: &'static str, text: Option<&str>) -> Result<(), Error> {
    let Some(text) = text else { return Ok(()) };
    if text.len() > MAX_OUTCOME_BYTES {
        return Err(Error::invalid_request(format!(
            "{field} has {} bytes; at most {MAX_OUTCOME_BYTES} are allowed: keep it elsewhere and put \
             its place here",
            text.len()
        ))
        .of_field(field)
        .with_limit(MAX_OUTCOME_BYTES));
    }
    if text.contains('\0') {
        return Err(
            Error::invalid_request(format!("{field} must not hold a NUL character"))
                .of_field(field),
        );
    }
    Ok(())
}

/// How many lists and objects of a JSON document lie within each other at most.
fn levels(json: &str) -> usize {
    let (mut level, mut most) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => {
                level += 1;
                most = most.max(level);
            }
            b']' | b'}' if !is_text => level = level.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_lists_and_objects() {
        for (json, expected) in [
            ("1", 0),
            (r#""[[""#, 0),
            (r#"["\"[[", "\\", []]"#, 2),
            (r#"[[], {"a": [1]}, []]"#, 3),
        ] {
            assert_eq!(levels(json), expected, "{json}");
        }
    }

    #[test]
    fn a_result_is_bounded_in_depth() {
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        let at_most = Outcome::succeeded(Some(nested(MAX_RESULT_LEVELS)));
        assert!(check(&at_most).is_ok());
        let beyond = Outcome::succeeded(Some(nested(MAX_RESULT_LEVELS + 1)));
        assert!(check(&beyond).unwrap_err().message().contains("65 levels"));
    }
}
