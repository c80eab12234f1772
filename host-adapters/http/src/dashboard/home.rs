//! The pages with all jobs.

use batchintory::{JobSummary, JobsQuery, Operations as _, at_once};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Layout, Search};
use super::setting::Setting;
use super::survey::{LATEST_OF_MANY, Survey};
use super::{address, drawing, summary};
use crate::asked::Asked;
use crate::inventory::if_made;
use crate::parameters::place;
use crate::problem::Problem;
use crate::response::Response;

/// How many jobs a page shows: each costs a few statements.
const JOBS: u32 = 12;

#[derive(Deserialize)]
struct Query {
    /// What stands in the names of the jobs.
    #[serde(default)]
    search: String,
    /// The last job of the page before.
    after_meta_table: Option<String>,
    after_job: Option<String>,
}

pub(crate) fn page(asked: Asked<'_>) -> Result<Response, Problem> {
    let query: Query = address::query(asked.request.query)?;
    let (setting, inventory) = (Setting::of(&asked), asked.inventory);
    let after = place(query.after_meta_table, query.after_job)?;
    let is_first = after.is_none();
    let text = query.search.trim();
    let made = if_made(at_once(inventory.jobs(JobsQuery {
        search: Some(text.to_owned()).filter(|text| !text.is_empty()),
        after,
        // One more tells whether a page follows.
        limit: JOBS + 1,
        ..JobsQuery::default()
    })))?;
    let is_made = made.is_some();
    let mut jobs = made.unwrap_or_default();
    let is_last = jobs.len() <= JOBS as usize;
    jobs.truncate(JOBS as usize);
    let surveyed = (jobs.iter())
        .map(|job| Ok((job, Survey::of(job, LATEST_OF_MANY, inventory)?)))
        .collect::<Result<Vec<_>, Problem>>()?;
    let next = jobs.last().filter(|_| !is_last);
    let main = html! {
        h1 { "Jobs" }
        @if !is_made {
            (not_migrated())
        } @else if is_first && jobs.is_empty() && text.is_empty() {
            (nothing())
        } @else {
            (form(text))
            @if jobs.is_empty() {
                p { "No job’s name holds this text." }
            } @else if is_first && is_last {
                p { (summary::of_all(&jobs)) }
            }
            (drawing::patterns())
            (drawing::legend())
            @for (index, (job, survey)) in surveyed.iter().enumerate() {
                (article(index, job, survey, setting))
            }
            (pages(text, is_first, next))
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

/// The form that looks for jobs by their names.
fn form(text: &str) -> Markup {
    html! {
        form class="search" id="find-jobs" role="search" aria-label="Jobs" action="/" {
            label { span { "Job’s name holds" } input type="search" name="search" value=(text); }
            button { "Find jobs" }
            @if !text.is_empty() { a id="all-jobs" href="/" { "All jobs" } }
        }
    }
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

fn not_migrated() -> Markup {
    html! {
        p { "There is no inventory yet. It is made by" }
        pre tabindex="0" { "batchintory migrate" }
        p { "or " code { "POST /v1/migrate" } ", with a token of the role " code { "admin" } "." }
    }
}

fn nothing() -> Markup {
    html! {
        p { "No job has claimed a batch yet. The first claim makes the job:" }
        pre tabindex="0" { "batchintory run --meta-table files --job lines --until-done -- wc -l" }
        p { "or " code { "POST /v1/jobs/{job}/batches" } ", which " a href="/openapi.json" { "the API’s description" } " explains." }
    }
}

/// Links to the other pages. How many there are is not known: counting all jobs would cost more than a page.
fn pages(text: &str, is_first: bool, next: Option<&JobSummary>) -> Markup {
    html! {
        @if !is_first || next.is_some() {
            nav class="pages" aria-label="Pages of jobs" {
                @if !is_first { a id="first" href=(address::home(text, None)) { "First page" } }
                @if next.is_some() { a id="next" href=(address::home(text, next)) { "Next page" } }
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
