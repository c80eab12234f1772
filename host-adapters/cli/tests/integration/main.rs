//! The command line as its users see it, in one program: what it links is linked once.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    missing_docs
)]

mod access;
mod api;
mod at_once;
#[cfg(target_os = "linux")]
mod attack;
#[cfg(target_os = "linux")]
mod broken_off;
mod cli;
mod ending;
mod failures;
mod following;
mod languages;
mod serve;
#[cfg(target_os = "linux")]
mod slow_clients;
mod sockets;
mod sources;
#[cfg(unix)]
mod tls;
mod workplace;
