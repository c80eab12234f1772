//! The dashboard: pages for people, at `/`.
//!
//! Pages are made here, complete; a small script does nothing but fetch them again. What they show
//! costs a few statements a job, however large its inventory and its meta table are.

mod address;
pub(crate) mod assets;
mod band;
mod drawing;
mod figures;
pub(crate) mod home;
pub(crate) mod items;
pub(crate) mod job;
mod layout;
pub(crate) mod requeue;
mod setting;
pub(crate) mod sign_in;
mod sign_in_form;
mod summary;
mod survey;
mod throughput;
mod time;
mod trouble;

use crate::problem::Problem;
use crate::response::Response;

/// Whether who asks for this path wants to read a page, and so the problem as a page too.
pub(crate) fn has_pages_at(path: &str) -> bool {
    matches!(path, "" | "/" | "/dashboard") || path.starts_with("/dashboard/")
}

/// A problem as a page. Where a token is what is missing, it asks for one, to go on with `page`.
pub(crate) fn problem(problem: Problem, page: &str) -> Response {
    layout::problem(problem, page)
}
