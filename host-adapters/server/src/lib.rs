//! batchintory's HTTP service, run natively: the component that `cargo xtask component` composes of
//! the service and the planner, in wasmtime.
//!
//! ```no_run
//! use batchintory_server::{HttpService, ServiceSettings};
//! use batchintory_wasmtime::Inventory;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inventory = Inventory::open("sqlite:lake.sqlite").await?;
//! let api_token = Some("a token of 16 or more".replace(' ', "-"));
//! let settings = ServiceSettings { api_token, ..ServiceSettings::default() };
//! let service = HttpService::embedded(inventory.databases(), settings)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! service.serve(listener, async { /* until this is over */ }).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod brake;
mod budget;
mod component;
mod connections;
mod error;
mod instance;
mod memory;
mod reader;
mod request_body;
mod server;
mod service;
mod tls;
mod wait;

pub use batchintory_http::Settings as ServiceSettings;
pub use component::{HttpComponent, MAX_PATIENT_REQUESTS};
pub use error::Error;
pub use instance::Instance;
pub use server::{ServerOptions, serve};
pub use service::HttpService;
pub use tls::{Tls, TlsError};
