//! batchintory on any host of `wasi:http` that gives components sockets, such as `wasmtime serve`: gives
//! the planner PostgreSQL servers, and the service its settings from the environment.
//!
//! `cargo xtask component` composes it with the HTTP service and the planner.

// Only the component uses most of it; natively it is tested.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod connection;
mod settings;
#[cfg(target_family = "wasm")]
mod socket;
#[cfg(target_family = "wasm")]
mod wait;
