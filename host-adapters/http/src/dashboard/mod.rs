//! The dashboard: pages for people, at `/`.
//!
//! Pages are made here, complete; a small script does nothing but fetch them again. What they show
//! costs a few statements a job, however large its inventory and its meta table are.

mod address;
mod assets;
mod band;
mod drawing;
mod figures;
mod home;
mod items;
mod job;
mod layout;
mod requeue;
mod same_site;
mod summary;
mod survey;
mod throughput;
mod time;
mod trouble;

use http::Method;
use serde::de::DeserializeOwned;

use crate::inventory::Inventory;
use crate::operation::Access;
use crate::problem::Problem;
use crate::response::Response;
use crate::service::{Request, Settings};

/// A page for people, or what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// All jobs.
    Home,
    /// One job.
    Job,
    /// The history of one item.
    Items,
    /// Puts ranges back, then leads to their job's page.
    Requeue,
    /// The style sheet.
    Style,
    /// The script.
    Script,
}

impl Page {
    /// The page at a path, and its method.
    pub(crate) fn at(segments: &[&str]) -> Option<(Method, Self)> {
        match *segments {
            [] => Some((Method::GET, Self::Home)),
            ["dashboard", "job"] => Some((Method::GET, Self::Job)),
            ["dashboard", "items"] => Some((Method::GET, Self::Items)),
            ["dashboard", "requeue"] => Some((Method::POST, Self::Requeue)),
            ["dashboard", "style.css"] => Some((Method::GET, Self::Style)),
            ["dashboard", "refresh.js"] => Some((Method::GET, Self::Script)),
            _ => None,
        }
    }

    pub(crate) fn access(self) -> Access {
        match self {
            Self::Home | Self::Job | Self::Items => Access::Read,
            Self::Requeue => Access::Write,
            Self::Style | Self::Script => Access::Open,
        }
    }
}

/// What pages go by beside what is asked for.
#[derive(Clone, Copy)]
struct Setting {
    /// Seconds since 1970, where that is known.
    now: Option<i64>,
    /// Whether anybody may write, so that buttons make sense.
    can_write: bool,
}

/// Shows a page.
pub(crate) fn show(
    page: Page,
    request: Request<'_>,
    settings: &Settings,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let setting = Setting {
        now: request.now.and_then(|now| i64::try_from(now).ok()),
        can_write: settings.token().is_some(),
    };
    match page {
        Page::Home => home::page(&query(request.query)?, setting, inventory),
        Page::Job => job::page(&query(request.query)?, setting, inventory),
        Page::Items => items::page(query(request.query)?, setting, inventory),
        Page::Requeue => requeue::answer(request, inventory),
        Page::Style => Ok(assets::STYLE.response(request.query)),
        Page::Script => Ok(assets::SCRIPT.response(request.query)),
    }
}

/// Whether who asks for this path wants to read a page, and so the problem as a page too.
pub(crate) fn has_pages_at(path: &str) -> bool {
    matches!(path, "" | "/" | "/dashboard") || path.starts_with("/dashboard/")
}

/// A problem as a page.
pub(crate) fn problem(problem: Problem) -> Response {
    layout::problem(problem)
}

fn query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query).map_err(|error| {
        Problem::invalid_request(format!("the address is not as expected: {error}"))
    })
}
