//! The service as its callers see it, in one program: what it links is linked once.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, missing_docs)]

mod access;
mod dashboard;
mod dashboard_forms;
mod described;
mod errors;
mod fake;
mod hostile;
mod operations;
mod random;
mod sign_in;
mod support;
mod words;
