//! The documentation tells the truth: links lead somewhere, generated pages are what they are generated from,
//! and commands print what the pages show.
//!
//! `SNAPSHOTS=overwrite` writes generated pages and shown output anew, instead of failing.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    missing_docs
)]

mod generated;
mod links;
mod page;
mod sessions;
mod shell;
mod volatile;
mod words;
