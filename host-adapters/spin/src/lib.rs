//! batchintory on Spin: gives the planner Spin's databases, and the service Spin's variables.
//!
//! `cargo xtask component` composes it with the HTTP service and the planner; `spin.toml` at the
//! repository's top names the result.

// Only the component uses most of it; natively it is tested.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

#[cfg(target_family = "wasm")]
mod component;
mod never_empty;
mod postgres_error;
mod statement;
mod variables;

pub use variables::{NAMES, Variables};
