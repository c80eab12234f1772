//! batchintory behind HTTP: an API under `/v1` and a dashboard at `/`.
//!
//! [`answer`] turns a request into a response, and knows neither WebAssembly nor a server: it is
//! tested natively. `component.rs` makes a `wasi:http` component of it.

mod api;
mod authorization;
mod body;
#[cfg(target_family = "wasm")]
mod component;
mod dashboard;
mod inventory;
mod metrics;
mod operation;
mod parameters;
mod problem;
mod response;
mod service;

pub use body::{Body, BodyError};
pub use inventory::Inventory;
pub use service::{Request, Settings, answer};

/// The API, described in OpenAPI 3.1, as it is served at `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");
