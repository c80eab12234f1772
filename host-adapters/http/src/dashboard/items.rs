//! The page with the history of one item.

use std::collections::BTreeSet;

use batchintory::{Attempt, HistoryQuery, Queue};
use maud::{Markup, html};
use serde::Deserialize;

use super::figures::{range, whole};
use super::layout::{Layout, Search};
use super::setting::Setting;
use super::{address, requeue, time};
use crate::asked::Asked;
use crate::inventory::latest_attempts;
use crate::problem::Problem;
use crate::response::Response;

/// How many attempts are listed.
const ATTEMPTS: u32 = 100;

#[derive(Deserialize)]
struct Query {
    meta_table: String,
    uid: String,
}

pub(crate) fn page(asked: Asked<'_>) -> Result<Response, Problem> {
    let query: Query = address::query(asked.request.query)?;
    let (setting, inventory) = (Setting::of(&asked), asked.inventory);
    let uid: i64 = query.uid.trim().parse().map_err(|_| {
        Problem::invalid_request("an item’s id is a whole number of 64 bits, such as 42 or -7")
    })?;
    let of_item = HistoryQuery {
        meta_table: Some(query.meta_table.clone()),
        uid: Some(uid),
        limit: ATTEMPTS,
        details: false,
        ..HistoryQuery::default()
    };
    let attempts = latest_attempts(inventory, of_item)?;
    let main = html! {
        h1 { "Item " (whole(uid)) " " small { "of " (query.meta_table) } }
        @if attempts.is_empty() {
            p { "No batch of any job has had it: it is still to do, was passed over between two batches, or is not there." }
        } @else {
            (table(&attempts, setting))
            @if attempts.len() >= ATTEMPTS as usize {
                p { "The latest " (ATTEMPTS) " attempts are shown." }
            }
        }
    };
    let layout = Layout {
        title: format!("Item {uid} of {}", query.meta_table),
        search: Search {
            meta_table: query.meta_table,
            uid: uid.to_string(),
        },
        is_signed_in: setting.is_signed_in,
        now: setting.now,
    };
    Ok(layout.page(&main))
}

fn table(attempts: &[Attempt], setting: Setting) -> Markup {
    let mut jobs = BTreeSet::new();
    html! {
        div id="attempts-scroll" class="scroll" tabindex="0" role="region" aria-label="Attempts, latest first" {
            table {
                thead { tr {
                    th scope="col" { "Batch" }
                    th scope="col" { "Job" }
                    th scope="col" class="number" { "Attempt" }
                    th scope="col" { "State" }
                    th scope="col" { "Ids" }
                    th scope="col" { "Handed out" }
                    th scope="col" { "Took" }
                    @if setting.can_write { th scope="col" { span class="unseen" { "Requeue" } } }
                } }
                tbody {
                    @for attempt in attempts {
                        (row(attempt, jobs.insert(attempt.job.as_str()), setting))
                    }
                }
            }
        }
    }
}

fn row(attempt: &Attempt, is_latest_of_job: bool, setting: Setting) -> Markup {
    html! {
        tr {
            th scope="row" { (attempt.id) }
            td {
                a id=(format!("job-of-{}", attempt.id)) href=(address::job(&attempt.meta_table, &attempt.job)) { (attempt.job) }
            }
            td class="number" { (attempt.attempt) }
            td {
                (state(attempt))
                @if attempt.passed_over { br; small { "the item itself was passed over by the job’s filter" } }
            }
            td { (range(attempt)) }
            td { (time::moment(&attempt.processing_start)) }
            td { (took(attempt).unwrap_or_default()) }
            @if setting.can_write {
                td {
                    @if is_latest_of_job && attempt.queue != Some(Queue::Requeued) {
                        (requeue::one_with_care(attempt, "All of its range is handed out again, whatever became of it."))
                    }
                }
            }
        }
    }
}

/// What became of an attempt, with the word that the inventory has for it.
fn state(attempt: &Attempt) -> String {
    let status = &attempt.status;
    match attempt.queue {
        None | Some(Queue::Running) => status.clone(),
        Some(Queue::Retry) => format!("{status}, will be retried"),
        Some(Queue::Requeued) => format!("{status}, requeued"),
        Some(Queue::Exhausted) => format!("{status}, exhausted"),
    }
}

fn took(attempt: &Attempt) -> Option<String> {
    let start = time::seconds(&attempt.processing_start)?;
    let end = time::seconds(attempt.processing_end.as_deref()?)?;
    Some(time::duration(end.saturating_sub(start)))
}
