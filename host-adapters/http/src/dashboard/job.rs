//! The page of one job.

use batchintory::{Attempt, JobSummary, JobsQuery, Operations as _, at_once};
use maud::{Markup, html};
use serde::Deserialize;

use super::drawing;
use super::figures::{count, range, weight, whole};
use super::layout::{Layout, Search};
use super::setting::Setting;
use super::survey::{LATEST, Survey};
use super::throughput::{self, Throughput};
use super::{address, requeue, summary, time, trouble};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::response::Response;

/// How many running batches are listed.
const RUNNING: usize = 100;

#[derive(Deserialize)]
struct Query {
    meta_table: String,
    job: String,
    /// How many ranges a form has just requeued.
    requeued: Option<u64>,
}

pub(crate) fn page(asked: Asked<'_>) -> Result<Response, Problem> {
    let query: Query = address::query(asked.request.query)?;
    let (setting, inventory) = (Setting::of(&asked), asked.inventory);
    let jobs = at_once(inventory.jobs(JobsQuery {
        meta_table: Some(query.meta_table.clone()),
        job: Some(query.job.clone()),
        limit: 1,
        ..JobsQuery::default()
    }))?;
    let Some(job) = jobs.first() else {
        return Err(Problem::no_such_job());
    };
    let survey = Survey::of(job, LATEST, inventory)?;
    let trouble = trouble::section(job, setting, inventory)?;
    let until = setting.now.filter(|_| job.running > 0);
    let throughput = Throughput::of(&survey.attempts, until);
    let main = html! {
        h1 { (job.job) " " small { "on " (job.meta_table) } }
        @if let Some(requeued) = query.requeued {
            p class="message" role="status" { (told_of_requeued(requeued)) }
        }
        (summary::figures(job, &survey, setting.now))
        (drawing::patterns())
        (ids(&survey))
        section aria-labelledby="throughput" {
            h2 id="throughput" { "Throughput" }
            @match &throughput {
                Some(throughput) => (throughput::chart(throughput)),
                None => p { "No attempt has ended yet." },
            }
        }
        (running(&survey.running, setting))
        (trouble)
        (configuration(job))
    };
    let layout = Layout {
        title: format!("{} on {}", job.job, job.meta_table),
        search: Search {
            meta_table: job.meta_table.clone(),
            uid: String::new(),
        },
        is_signed_in: setting.is_signed_in,
        now: setting.now,
    };
    Ok(layout.page(&main))
}

fn told_of_requeued(ranges: u64) -> String {
    match ranges {
        0 => "Nothing was requeued: nothing was exhausted, or a later attempt has taken its place."
            .into(),
        ranges => format!(
            "{} requeued, to be handed out again.",
            count(ranges, "range")
        ),
    }
}

/// The band, large, and as a table.
fn ids(survey: &Survey) -> Markup {
    html! {
        section class="ids" aria-labelledby="ids" {
            h2 id="ids" { "Ids" }
            (drawing::band(&survey.band, &summary::in_words(&survey.band)))
            (drawing::scale(&survey.band))
            (drawing::legend())
            details id="ids-table" {
                summary id="ids-summary" { "The same as a table" }
                div id="ids-scroll" class="scroll" tabindex="0" role="region" aria-label="Ids by state" {
                    table {
                        thead { tr { th scope="col" { "State" } th scope="col" class="number" { "First id" } th scope="col" class="number" { "Last id" } } }
                        tbody {
                            @for segment in &survey.band.segments {
                                tr {
                                    td { (segment.piece.state.label()) }
                                    td class="number" { (whole(segment.piece.id_start)) }
                                    td class="number" { (whole(segment.piece.id_end)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The batches that run, oldest first.
fn running(attempts: &[Attempt], setting: Setting) -> Markup {
    html! {
        section aria-labelledby="running-batches" {
            h2 id="running-batches" { "Running" }
            @if attempts.is_empty() {
                p { "Nothing runs." }
            } @else {
                div id="running-scroll" class="scroll" tabindex="0" role="region" aria-label="Running batches" {
                    table {
                        thead { tr {
                            th scope="col" { "Batch" }
                            th scope="col" { "Ids" }
                            th scope="col" class="number" { "Items" }
                            th scope="col" class="number" { "Weight" }
                            th scope="col" class="number" { "Attempt" }
                            th scope="col" { "Age" }
                            th scope="col" { "Lease" }
                            @if setting.can_write { th scope="col" { span class="unseen" { "Requeue" } } }
                        } }
                        tbody {
                            @for attempt in attempts.iter().rev().take(RUNNING) { (running_row(attempt, setting)) }
                        }
                    }
                }
                @if attempts.len() > RUNNING {
                    p { "The oldest " (RUNNING) " of " (whole(attempts.len() as u64)) " are shown." }
                }
            }
        }
    }
}

fn running_row(attempt: &Attempt, setting: Setting) -> Markup {
    html! {
        tr {
            th scope="row" {
                (attempt.id)
                @if let Some(identifier) = &attempt.job_identifier { " " small { (identifier) } }
            }
            td { (range(attempt)) }
            td class="number" { (whole(attempt.count)) }
            td class="number" { (weight(attempt.weight)) }
            td class="number" { (attempt.attempt) }
            td { (time::age(&attempt.processing_start, setting.now)) }
            td { (lease(attempt, setting.now)) }
            @if setting.can_write {
                td { (requeue::one_with_care(attempt, "Its owner loses it, and its range is handed out again.")) }
            }
        }
    }
}

fn lease(attempt: &Attempt, now: Option<i64>) -> Markup {
    let Some(text) = &attempt.lease_expires else {
        return html! { "none" };
    };
    html! {
        @match (time::seconds(text), now) {
            (Some(end), Some(now)) if end < now => {
                strong class="over" { "over for " (time::duration(now.saturating_sub(end))) }
            }
            (Some(end), Some(now)) => { (time::duration(end.saturating_sub(now))) " left" }
            _ => { "until " (time::moment(text)) }
        }
    }
}

/// The request of the latest batch.
fn configuration(job: &JobSummary) -> Markup {
    let json =
        (job.request.as_ref()).and_then(|request| serde_json::to_string_pretty(request).ok());
    html! {
        @if let Some(json) = json {
            section aria-labelledby="configuration" {
                h2 id="configuration" { "Configuration" }
                details id="configuration-details" {
                    summary id="configuration-summary" { "The request of the latest batch" }
                    pre id="configuration-json" tabindex="0" role="region" aria-label="The request of the latest batch" { (json) }
                }
            }
        }
    }
}
