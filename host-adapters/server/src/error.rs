//! Why the service cannot run.

use std::io;

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The component cannot be compiled, or asks for what nobody supplies.
    #[error("the HTTP component cannot be used: {0}")]
    Component(String),
    /// The listener has failed.
    #[error("the server cannot accept connections: {0}")]
    Listen(#[from] io::Error),
}
