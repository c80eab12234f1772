//! batchintory behind HTTP: an API under `/v1` and a dashboard at `/`.
//!
//! [`answer`] turns a request into a response, and knows neither WebAssembly nor a server: it is
//! tested natively. `component.rs` makes a `wasi:http` component of it.

mod access;
mod allowed_tables;
mod api;
mod asked;
mod authorization;
mod body;
mod callers_inventory;
mod channel;
#[cfg(target_family = "wasm")]
mod component;
mod cookie;
mod dashboard;
mod deed;
mod hosts;
mod inventory;
mod logged_path;
mod metrics;
mod notices;
mod parameters;
mod path;
mod problem;
mod request;
mod response;
mod routes;
mod same_site;
mod service;
mod settings;
mod token;

pub use body::{Body, BodyError};
pub use channel::CHANNEL;
pub use inventory::Inventory;
pub use logged_path::logged_path;
pub use notices::Notices;
pub use request::Request;
pub use service::answer;
pub use settings::Settings;

/// The API, described in OpenAPI 3.1, as it is served at `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");
