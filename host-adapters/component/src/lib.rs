//! batchintory's WebAssembly components, as bytes.
//!
//! A published version of this crate holds the bytes that `cargo xtask component` built for it, and
//! their SHA-256, which the build checks. In a checkout they come from the target directory.
//! `BATCHINTORY_COMPONENT` and `BATCHINTORY_HTTP_COMPONENT` in the environment of the build name
//! other files.

#![forbid(unsafe_code)]

/// The planner: it imports a database and randomness, and exports the inventory.
#[cfg(feature = "planner")]
pub const PLANNER: &[u8] = include_bytes!(env!("BATCHINTORY_PLANNER_FILE"));

/// The HTTP service with the planner: it imports a database and its configuration, and answers
/// requests.
#[cfg(feature = "service")]
pub const SERVICE: &[u8] = include_bytes!(env!("BATCHINTORY_SERVICE_FILE"));
