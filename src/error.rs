//! Why a call did nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a call did nothing: a case to branch on, with a sentence for people.
///
/// Mirrors the variant `error` of `wit/inventory.wit`, which says when each case happens and what
/// the caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error", content = "message")]
pub enum Error {
    /// The request, or what it finds in the meta table, is not allowed.
    InvalidRequest(String),
    /// The meta table or the inventory does not exist.
    NoSuchTable(String),
    /// A column does not exist.
    NoSuchColumn(String),
    /// No batch has this claim token.
    NoSuchBatch(String),
    /// The batch has ended in another way already, or was taken from its owner.
    Superseded(String),
    /// The job's configuration differs from that of its latest range.
    ConfigurationChanged(String),
    /// Other workers won every time.
    ExhaustedRetries(String),
    /// The database cannot be reached, or went away.
    Unavailable(String),
    /// The database refused a statement for another reason.
    Database(String),
}

impl Error {
    /// The case's name, as in the WIT interface: `invalid-request`, `no-such-table`, ….
    pub fn name(&self) -> &'static str {
        self.parts().0
    }

    /// The sentence: what was wrong, where, and what to do.
    pub fn message(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::InvalidRequest(message) => ("invalid-request", message),
            Self::NoSuchTable(message) => ("no-such-table", message),
            Self::NoSuchColumn(message) => ("no-such-column", message),
            Self::NoSuchBatch(message) => ("no-such-batch", message),
            Self::Superseded(message) => ("superseded", message),
            Self::ConfigurationChanged(message) => ("configuration-changed", message),
            Self::ExhaustedRetries(message) => ("exhausted-retries", message),
            Self::Unavailable(message) => ("unavailable", message),
            Self::Database(message) => ("database", message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for Error {}
