//! What becomes of tables: the inventory, and a meta table that tells of its rows.

use serde::{Deserialize, Serialize};

/// How a meta table tells whoever waits that rows have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyChannel {
    /// The channel's name, at most 63 bytes.
    pub name: String,
    /// The statements that have the table notify it, in order: for its owner.
    pub statements: Vec<String>,
}

/// What `migrate` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Whether the inventory table was made by this call.
    pub created: bool,
    /// Whether a table that pybatchintory wrote was upgraded by this call.
    pub upgraded: bool,
}
