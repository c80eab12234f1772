//! Scenarios that every host and every database must pass, and what is needed to run them.
//!
//! A scenario is data: a JSON file in `tests/scenarios` with meta tables and steps. It knows
//! neither the host nor the database, so that one description serves every adapter in every
//! language. [`scenario`] gives its form; it runs against whatever has the [`Operations`](batchintory::Operations).

pub mod conditions;
pub mod databases;
pub mod http_process;
pub mod http_subject;
pub mod language;
pub mod operations;
pub mod process_database;
pub mod process_subject;
pub mod proxy;
pub mod race;
pub mod recording;
mod report;
pub mod scenario;
pub mod server;
pub mod slow_clients;
pub mod subject;
pub mod suite;
pub mod tables;
pub mod turns;

pub use databases::{TestDatabase, mysql, postgres, postgres_of_few_letters, sqlite};
pub use http_process::HttpProcess;
pub use http_subject::HttpSubject;
pub use process_subject::ProcessSubject;
pub use scenario::Scenario;
pub use subject::{Failure, Subject};
