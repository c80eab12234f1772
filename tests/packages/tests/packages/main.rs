//! What `cargo xtask package` packs, installed in clean environments with no checkout near, and used
//! as its users do: `cargo xtask test --packages`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod clean;
mod crates;
mod javascript;
mod packed;
mod python;
