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
//! let settings = ServiceSettings { api_token: Some("secret".into()), protect_reads: false };
//! let service = HttpService::embedded(inventory.databases(), settings)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! service.serve(listener, async { /* until this is over */ }).await?;
//! # Ok(())
//! # }
//! ```

mod component;
mod error;
mod instance;
mod server;
mod service;

pub use component::HttpComponent;
pub use error::Error;
pub use instance::Instance;
pub use server::serve;
pub use service::{HttpService, ServiceSettings};
