//! The dashboard: pages for people, at `/`.

use http::{Method, StatusCode};
use maud::{DOCTYPE, html};

use crate::inventory::Inventory;
use crate::operation::Access;
use crate::problem::Problem;
use crate::response::{self, Response};
use crate::service::Request;

/// A page for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    /// All jobs.
    Home,
}

impl Page {
    /// The page at a path, and its method.
    pub(crate) fn at(segments: &[&str]) -> Option<(Method, Self)> {
        match *segments {
            [] => Some((Method::GET, Self::Home)),
            _ => None,
        }
    }

    pub(crate) fn access(&self) -> Access {
        match self {
            Self::Home => Access::Read,
        }
    }
}

/// Shows a page.
pub(crate) fn show(
    page: Page,
    _request: Request<'_>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let markup = match page {
        Page::Home => html! {
            (DOCTYPE)
            ul { @for job in inventory.jobs()? { li { (job.job) } } }
        },
    };
    Ok(response::bytes(
        StatusCode::OK,
        "text/html; charset=utf-8",
        markup.into_string().into_bytes(),
    ))
}
