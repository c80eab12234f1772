//! What spin.toml names, on a host of Spin's interfaces.

#![allow(clippy::unwrap_used, missing_docs)]

mod manifest;
mod parts;
mod scenarios;
