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
mod commands;
mod ending;
mod failures;
mod flows;
mod following;
mod items;
mod languages;
mod results;
mod secrets;
mod serve;
mod settings;
#[cfg(target_os = "linux")]
mod slow_clients;
mod sockets;
mod sources;
#[cfg(unix)]
mod tls;
mod workplace;
