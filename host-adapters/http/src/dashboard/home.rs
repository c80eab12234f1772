//! The page with all jobs.

use batchintory::JobSummary;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Layout, Search};
use super::survey::Survey;
use super::{Setting, address, drawing, summary};
use crate::inventory::Inventory;
use crate::problem::Problem;
use crate::response::Response;

/// How many jobs a page shows: each costs a few statements.
const JOBS: usize = 12;

#[derive(Deserialize)]
pub(crate) struct Query {
    /// Which page of jobs, from 1.
    page: Option<usize>,
}

pub(crate) fn page(
    query: &Query,
    setting: Setting,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let jobs = inventory.jobs()?;
    let page = query.page.unwrap_or(1).max(1);
    let surveyed = (jobs.iter())
        .skip((page - 1).saturating_mul(JOBS))
        .take(JOBS)
        .map(|job| Ok((job, Survey::of(job, inventory)?)))
        .collect::<Result<Vec<_>, Problem>>()?;
    let main = html! {
        h1 { "Jobs" }
        @if jobs.is_empty() {
            (nothing())
        } @else {
            p { (summary::of_all(&jobs)) }
            (drawing::patterns())
            (drawing::legend())
            @for (index, (job, survey)) in surveyed.iter().enumerate() {
                (article(index, job, survey, setting))
            }
            (pages(page, jobs.len()))
        }
    };
    let layout = Layout {
        title: "Jobs".into(),
        search: search(&jobs),
        is_signed_in: setting.is_signed_in,
        now: setting.now,
    };
    Ok(layout.page(&main))
}

fn article(index: usize, job: &JobSummary, survey: &Survey, setting: Setting) -> Markup {
    let id = format!("job-{index}");
    html! {
        article class="job" aria-labelledby=(id) {
            h2 id=(id) {
                a id=(format!("{id}-link")) href=(address::job(&job.meta_table, &job.job)) { (job.job) }
                " " small { "on " (job.meta_table) }
            }
            (drawing::band(&survey.band, &summary::in_words(&survey.band)))
            (drawing::ends(&survey.band))
            (summary::figures(job, survey, setting.now))
        }
    }
}

fn nothing() -> Markup {
    html! {
        p { "No job has claimed a batch yet. The first claim makes the job:" }
        pre tabindex="0" { "batchintory run --meta-table files --job lines --until-done -- wc -l" }
        p { "or " code { "POST /v1/jobs/{job}/batches" } ", which " a href="/openapi.json" { "the API’s description" } " explains." }
    }
}

/// Links to the other pages.
fn pages(page: usize, jobs: usize) -> Markup {
    let last = jobs.div_ceil(JOBS);
    html! {
        @if last > 1 {
            nav class="pages" aria-label="Pages of jobs" {
                @if page > 1 { a id="previous" href=(address::home(page - 1)) { "Previous" } }
                span { "Page " (page) " of " (last) }
                @if page < last { a id="next" href=(address::home(page + 1)) { "Next" } }
            }
        }
    }
}

/// The form names the meta table where there is only one.
fn search(jobs: &[JobSummary]) -> Search {
    let Some(first) = jobs.first() else {
        return Search::default();
    };
    let is_only = jobs.iter().all(|job| job.meta_table == first.meta_table);
    Search {
        meta_table: if is_only {
            first.meta_table.clone()
        } else {
            String::new()
        },
        uid: String::new(),
    }
}
