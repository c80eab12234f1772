//! Why a call did nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::database::Source;

/// Why a call did nothing: a case to branch on, with a sentence for people and facts for programs.
///
/// Mirrors the variant `error` of `wit/inventory.wit`, which says when each case happens and what
/// the caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error")]
pub enum Error {
    /// The request, or what it finds in the meta table, is not allowed.
    InvalidRequest(Box<Explanation>),
    /// The meta table or the inventory does not exist.
    NoSuchTable(Box<Explanation>),
    /// A column does not exist.
    NoSuchColumn(Box<Explanation>),
    /// No batch has this claim token.
    NoSuchBatch(Box<Explanation>),
    /// The batch has ended in another way already, or was taken from its owner.
    Superseded(Box<Explanation>),
    /// The job's configuration differs from that of its latest range.
    ConfigurationChanged(Box<Explanation>),
    /// Other workers won every time.
    ExhaustedRetries(Box<Explanation>),
    /// The database cannot be reached, or went away.
    Unavailable(Box<Explanation>),
    /// The database refused a statement for another reason.
    Database(Box<Explanation>),
}

/// What is known of an error: a sentence, and what it is about as far as that applies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// What was wrong, where, and what to do.
    pub message: String,
    /// The member of the request, or the argument, as the interface spells it: `max-count`, `columns.uid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The most that is allowed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The table, as the caller would name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Its column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The id of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<i64>,
    /// The database that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Source>,
    /// That database's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_code: Option<String>,
}

impl Error {
    /// The case's name, as in the WIT interface: `invalid-request`, `no-such-table`, ….
    pub fn name(&self) -> &'static str {
        self.parts().0
    }

    /// The sentence: what was wrong, where, and what to do.
    pub fn message(&self) -> &str {
        &self.parts().1.message
    }

    /// The sentence with what it is about.
    pub fn explanation(&self) -> &Explanation {
        self.parts().1
    }

    fn parts(&self) -> (&'static str, &Explanation) {
        match self {
            Self::InvalidRequest(explanation) => ("invalid-request", explanation),
            Self::NoSuchTable(explanation) => ("no-such-table", explanation),
            Self::NoSuchColumn(explanation) => ("no-such-column", explanation),
            Self::NoSuchBatch(explanation) => ("no-such-batch", explanation),
            Self::Superseded(explanation) => ("superseded", explanation),
            Self::ConfigurationChanged(explanation) => ("configuration-changed", explanation),
            Self::ExhaustedRetries(explanation) => ("exhausted-retries", explanation),
            Self::Unavailable(explanation) => ("unavailable", explanation),
            Self::Database(explanation) => ("database", explanation),
        }
    }
}

/// Errors by their sentences.
impl Error {
    /// [`InvalidRequest`](Self::InvalidRequest), with this sentence and no facts.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::InvalidRequest(Explanation::new(message))
    }

    /// [`NoSuchTable`](Self::NoSuchTable), with this sentence and no facts.
    pub fn no_such_table(message: impl Into<String>) -> Self {
        Self::NoSuchTable(Explanation::new(message))
    }

    /// [`NoSuchColumn`](Self::NoSuchColumn), with this sentence and no facts.
    pub fn no_such_column(message: impl Into<String>) -> Self {
        Self::NoSuchColumn(Explanation::new(message))
    }

    /// [`NoSuchBatch`](Self::NoSuchBatch), with this sentence and no facts.
    pub fn no_such_batch(message: impl Into<String>) -> Self {
        Self::NoSuchBatch(Explanation::new(message))
    }

    /// [`Superseded`](Self::Superseded), with this sentence and no facts.
    pub fn superseded(message: impl Into<String>) -> Self {
        Self::Superseded(Explanation::new(message))
    }

    /// [`ConfigurationChanged`](Self::ConfigurationChanged), with this sentence and no facts.
    pub fn configuration_changed(message: impl Into<String>) -> Self {
        Self::ConfigurationChanged(Explanation::new(message))
    }

    /// [`ExhaustedRetries`](Self::ExhaustedRetries), with this sentence and no facts.
    pub fn exhausted_retries(message: impl Into<String>) -> Self {
        Self::ExhaustedRetries(Explanation::new(message))
    }

    /// [`Unavailable`](Self::Unavailable), with this sentence and no facts.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(Explanation::new(message))
    }

    /// [`Database`](Self::Database), with this sentence and no facts.
    pub fn database(message: impl Into<String>) -> Self {
        Self::Database(Explanation::new(message))
    }
}

/// What an error is about.
impl Error {
    /// Tells the member of the request, or the argument, as the interface spells it.
    #[must_use]
    pub fn of_field(self, field: &str) -> Self {
        self.about(|explanation| explanation.field = Some(field.into()))
    }

    pub(crate) fn with_limit(self, limit: impl TryInto<u64>) -> Self {
        self.about(|explanation| explanation.limit = limit.try_into().ok())
    }

    /// Tells the table, as the caller would name it.
    #[must_use]
    pub fn of_table(self, table: &impl fmt::Display) -> Self {
        self.about(|explanation| explanation.table = Some(table.to_string()))
    }

    pub(crate) fn of_column(self, column: &str) -> Self {
        self.about(|explanation| explanation.column = Some(column.into()))
    }

    pub(crate) fn of_row(self, uid: i64) -> Self {
        self.about(|explanation| explanation.uid = Some(uid))
    }

    pub(crate) fn of_database(self, database: Source, code: String) -> Self {
        self.about(|explanation| {
            explanation.database = Some(database);
            explanation.database_code = (!code.is_empty()).then_some(code);
        })
    }

    fn about(mut self, tell: impl FnOnce(&mut Explanation)) -> Self {
        tell(match &mut self {
            Self::InvalidRequest(explanation)
            | Self::NoSuchTable(explanation)
            | Self::NoSuchColumn(explanation)
            | Self::NoSuchBatch(explanation)
            | Self::Superseded(explanation)
            | Self::ConfigurationChanged(explanation)
            | Self::ExhaustedRetries(explanation)
            | Self::Unavailable(explanation)
            | Self::Database(explanation) => explanation,
        });
        self
    }
}

impl Explanation {
    fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            message: message.into(),
            ..Self::default()
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for Error {}
