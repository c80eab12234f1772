//! Batches: their history, and what their owners do with them.

use batchintory::{Attempt, HistoryQuery, Item, Operations as _, PAGE_BYTES, at_once};
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::Access;
use crate::asked::Asked;
use crate::body::{self, MAX_OUTCOME_BYTES, MAX_REQUEST_BYTES};
use crate::inventory::Inventory;
use crate::parameters::{
    BatchesPage, End, Heartbeat, ItemHistoryPage, ItemsPage, Release, no_query, query,
};
use crate::problem::Problem;
use crate::response::{Response, done, ok};

/// Attempts, latest first.
pub(crate) fn history(asked: Asked<'_>) -> Result<Response, Problem> {
    let page: BatchesPage = query(asked.request.query)?;
    let query = HistoryQuery::from(page);
    if query.details {
        asked.caller.check(Access::Read)?;
    }
    // With them, batches of others can be ended.
    if query.claim_tokens {
        asked.caller.check(Access::Admin)?;
    }
    listed(query, asked.inventory)
}

/// Which attempts had an item.
pub(crate) fn item_history(mut asked: Asked<'_>) -> Result<Response, Problem> {
    let page: ItemHistoryPage = query(asked.request.query)?;
    let uid = asked.names.take("uid").parse().map_err(|_| {
        Problem::invalid_request("the item's id in the path is not a 64 bit integer")
    })?;
    let meta_table = asked.names.take("meta_table");
    listed(page.of_item(meta_table, uid), asked.inventory)
}

/// A batch that runs.
pub(crate) fn batch(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let token = asked.names.take("claim_token");
    ok(&at_once(asked.inventory.batch(token))?)
}

/// A page of a batch's items.
pub(crate) fn items(mut asked: Asked<'_>) -> Result<Response, Problem> {
    let page: ItemsPage = query(asked.request.query)?;
    let limit = page.limit.unwrap_or(1_000);
    let token = asked.names.take("claim_token");
    let items = at_once(asked.inventory.items(token, page.after, limit))?;
    let may_go_on = items.len() >= limit as usize || may_be_cut(&items);
    let next_after = items.last().filter(|_| may_go_on).map(|item| item.uid);
    ok(&json!({ "items": items, "next_after": next_after }))
}

/// A sign of life.
pub(crate) fn heartbeat(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let request = &mut asked.request;
    let sign: Heartbeat = body::json(request.headers, request.body, MAX_REQUEST_BYTES)?;
    let token = asked.names.take("claim_token");
    at_once(asked.inventory.heartbeat(token, sign.lease_seconds))?;
    Ok(done())
}

/// Ends a batch well.
pub(crate) fn complete(asked: Asked<'_>) -> Result<Response, Problem> {
    end(asked, true)
}

/// Gives a batch up.
pub(crate) fn fail(asked: Asked<'_>) -> Result<Response, Problem> {
    end(asked, false)
}

/// Gives a batch back.
pub(crate) fn release(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let request = &mut asked.request;
    let release: Release = body::json_or_default(request.headers, request.body, MAX_OUTCOME_BYTES)?;
    let token = asked.names.take("claim_token");
    at_once(asked.inventory.release(token, release.log))?;
    Ok(done())
}

fn end(mut asked: Asked<'_>, succeeded: bool) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let request = &mut asked.request;
    let end: End = body::json_or_default(request.headers, request.body, MAX_OUTCOME_BYTES)?;
    let token = asked.names.take("claim_token");
    at_once(asked.inventory.complete(token, end.outcome(succeeded)))?;
    Ok(done())
}

fn listed(query: HistoryQuery, inventory: &impl Inventory) -> Result<Response, Problem> {
    let attempts = at_once(inventory.history(query.clone()))?;
    let next_before = next_before(&attempts, &query, inventory)?;
    let batches = if query.details {
        (attempts.into_iter())
            .map(|attempt| Shown::Whole(Box::new(attempt)))
            .collect()
    } else {
        (attempts.iter())
            .map(without_details)
            .collect::<Result<_, _>>()?
    };
    ok(&Page {
        batches,
        next_before,
    })
}

/// A page of attempts.
#[derive(Serialize)]
struct Page {
    batches: Vec<Shown>,
    next_before: Option<i64>,
}

/// An attempt as JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    /// With its result, to the letter.
    Whole(Box<Attempt>),
    /// Without fields for its result and its log.
    WithoutDetails(Value),
}

/// Whether a page may have ended by its bytes. They are counted as the database keeps them: in none of its
/// encodings has a character more than four.
fn may_be_cut(items: &[Item]) -> bool {
    let bytes: usize = (items.iter())
        .filter_map(|item| item.item.as_ref())
        .map(String::len)
        .sum();
    bytes >= PAGE_BYTES as usize / 4
}

/// Where the next page goes on: at the last one of this page, unless none follows.
fn next_before(
    page: &[Attempt],
    query: &HistoryQuery,
    inventory: &impl Inventory,
) -> Result<Option<i64>, Problem> {
    let Some(last) = page.last() else {
        return Ok(None);
    };
    let before = Some(last.id);
    if page.len() >= query.limit as usize {
        return Ok(before);
    }
    // One that may have ended by its bytes does not tell.
    let may_be_cut = query.details || query.uid.is_some();
    let is_last = !may_be_cut || {
        let following = HistoryQuery {
            before,
            limit: 1,
            details: false,
            ..query.clone()
        };
        at_once(inventory.history(following))?.is_empty()
    };
    Ok(before.filter(|_| !is_last))
}

/// An attempt whose details were not read.
fn without_details(attempt: &Attempt) -> Result<Shown, Problem> {
    let not_json = |error| {
        Problem::from(batchintory::Error::database(format!(
            "the attempt {} in the inventory cannot be written as JSON: {error}",
            attempt.id
        )))
    };
    let mut value = serde_json::to_value(attempt).map_err(not_json)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("result_item");
        fields.remove("log");
    }
    Ok(Shown::WithoutDetails(value))
}
