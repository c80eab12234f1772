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
pub(crate) mod sign_in;
mod summary;
mod survey;
mod throughput;
mod time;
mod trouble;

use http::Method;
use serde::de::DeserializeOwned;

use crate::authorization::{Access, Caller};
use crate::inventory::Inventory;
use crate::problem::Problem;
use crate::response::Response;
use crate::service::Request;
use crate::settings::Rules;

/// A page for people, or what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// All jobs.
    Home,
    /// One job.
    Job,
    /// The history of one item.
    Items,
    /// Requeues ranges, then leads to their job's page.
    Requeue,
    /// Asks for a token.
    SignIn,
    /// Takes a token, then leads to a page.
    TakeToken,
    /// Forgets it.
    ForgetToken,
    /// The style sheet.
    Style,
    /// The script.
    Script,
}

impl Page {
    /// All paths that pages have, `/` aside.
    pub(crate) const PATHS: [&str; 8] = [
        "/dashboard/job",
        "/dashboard/items",
        "/dashboard/requeue",
        "/dashboard/sign-in",
        "/dashboard/signed-in",
        "/dashboard/sign-out",
        "/dashboard/style.css",
        "/dashboard/refresh.js",
    ];

    /// The page at a path, and its method.
    pub(crate) fn at(segments: &[&str]) -> Option<(Method, Self)> {
        match *segments {
            [] => Some((Method::GET, Self::Home)),
            ["dashboard", "job"] => Some((Method::GET, Self::Job)),
            ["dashboard", "items"] => Some((Method::GET, Self::Items)),
            ["dashboard", "requeue"] => Some((Method::POST, Self::Requeue)),
            ["dashboard", "sign-in"] => Some((Method::GET, Self::SignIn)),
            ["dashboard", "signed-in"] => Some((Method::POST, Self::TakeToken)),
            ["dashboard", "sign-out"] => Some((Method::POST, Self::ForgetToken)),
            ["dashboard", "style.css"] => Some((Method::GET, Self::Style)),
            ["dashboard", "refresh.js"] => Some((Method::GET, Self::Script)),
            _ => None,
        }
    }

    pub(crate) fn access(self) -> Access {
        match self {
            Self::Home | Self::Job | Self::Items => Access::Inventory,
            Self::Requeue => Access::Admin,
            Self::SignIn | Self::TakeToken | Self::ForgetToken | Self::Style | Self::Script => {
                Access::Open
            }
        }
    }
}

/// What pages go by beside what is asked for.
#[derive(Clone, Copy)]
struct Setting {
    /// Seconds since 1970, where that is known.
    now: Option<i64>,
    /// Whether the caller may requeue, so that buttons make sense.
    can_write: bool,
    /// Whether the caller may read logs.
    can_read_logs: bool,
    /// Whether the caller's browser keeps a token.
    is_signed_in: bool,
}

/// Shows a page.
pub(crate) fn show(
    page: Page,
    request: Request<'_>,
    caller: &Caller<'_>,
    rules: &Rules,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let setting = Setting {
        now: request.now.and_then(|now| i64::try_from(now).ok()),
        can_write: caller.may(Access::Admin),
        can_read_logs: caller.may(Access::Read),
        is_signed_in: caller.by_cookie(),
    };
    match page {
        Page::Home => home::page(query(request.query)?, setting, inventory),
        Page::Job => job::page(&query(request.query)?, setting, inventory),
        Page::Items => items::page(query(request.query)?, setting, inventory),
        Page::Requeue => requeue::answer(request, rules, inventory),
        Page::SignIn => Ok(sign_in::page()),
        // They need no inventory.
        Page::TakeToken | Page::ForgetToken => Err(Problem::not_found()),
        Page::Style => Ok(assets::STYLE.response(request.query)),
        Page::Script => Ok(assets::SCRIPT.response(request.query)),
    }
}

/// Whether who asks for this path wants to read a page, and so the problem as a page too.
pub(crate) fn has_pages_at(path: &str) -> bool {
    matches!(path, "" | "/" | "/dashboard") || path.starts_with("/dashboard/")
}

/// A problem as a page. Where a token is what is missing, it asks for one, to go on with `page`.
pub(crate) fn problem(problem: Problem, page: &str) -> Response {
    layout::problem(problem, page)
}

fn query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query).map_err(|error| {
        Problem::invalid_request(format!("the address is not as expected: {error}"))
    })
}
