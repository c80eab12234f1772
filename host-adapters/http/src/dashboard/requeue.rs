//! Requeueing ranges by a button.

use batchintory::{Attempt, JobSummary, Operations as _, RequeueTarget, at_once};
use maud::{Markup, html};
use serde::Deserialize;

use super::address;
use crate::asked::Asked;
use crate::body;
use crate::problem::Problem;
use crate::response::{Response, see_other};
use crate::same_site;

/// Where the forms go.
const PATH: &str = "/dashboard/requeue";

/// The longest form: two names of 255 bytes, each of which may take three.
const MAX_FORM_BYTES: usize = 4 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    meta_table: String,
    job: String,
    /// The id of a batch of the range; without one, all that are exhausted are meant.
    batch: Option<i64>,
}

/// Does what a form asks for, and leads to the job's page.
pub(crate) fn answer(asked: Asked<'_>) -> Result<Response, Problem> {
    let Asked {
        request,
        rules,
        inventory,
        ..
    } = asked;
    same_site::check(request.headers, request.authority, rules.hosts.public())?;
    let form: Form = body::form(request.headers, request.body, MAX_FORM_BYTES)?;
    let target = match form.batch {
        Some(id) => RequeueTarget::Batch(id),
        None => RequeueTarget::Exhausted,
    };
    let requeued = at_once(inventory.requeue(form.meta_table.clone(), form.job.clone(), target))?;
    let page = address::requeued(&form.meta_table, &form.job, requeued);
    Ok(see_other(&page))
}

/// A button that requeues a batch's range.
pub(crate) fn one(attempt: &Attempt) -> Markup {
    html! {
        form method="post" action=(PATH) {
            input type="hidden" name="meta_table" value=(attempt.meta_table);
            input type="hidden" name="job" value=(attempt.job);
            input type="hidden" name="batch" value=(attempt.id);
            button id=(format!("requeue-{}", attempt.id))
                aria-label=(format!("Requeue the range of batch {}", attempt.id)) { "Requeue" }
        }
    }
}

/// The same, not to be pressed by mistake: it says first what will happen.
pub(crate) fn one_with_care(attempt: &Attempt, warning: &str) -> Markup {
    html! {
        details id=(format!("care-{}", attempt.id)) {
            summary id=(format!("care-summary-{}", attempt.id))
                aria-label=(format!("Requeue the range of batch {} …", attempt.id)) { "Requeue …" }
            p { (warning) }
            (one(attempt))
        }
    }
}

/// A button that requeues all exhausted ranges of a job.
pub(crate) fn all_exhausted(job: &JobSummary) -> Markup {
    html! {
        form method="post" action=(PATH) {
            input type="hidden" name="meta_table" value=(job.meta_table);
            input type="hidden" name="job" value=(job.job);
            button id="requeue-exhausted" class="main" { "Requeue all exhausted ranges" }
        }
    }
}
