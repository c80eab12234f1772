//! How long a server may take: to answer a statement, and to acknowledge what it was sent.

use std::time::Duration;

use batchintory::DatabaseError;
use batchintory_database_url::ServerUrl;
use tokio::time::timeout;

/// How long what was sent may go without an acknowledgement, unless said otherwise: the network is gone
/// then, or the machine at its other end.
pub(super) const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long statements may take; they may for ever where the URL says 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeLimit(Option<Duration>);

impl TimeLimit {
    /// By the URL's option `statement_timeout`.
    pub(super) fn read(url: &ServerUrl) -> Result<Self, String> {
        Ok(Self(url.statement_timeout()?))
    }

    /// What a statement answers, if it does so in time. Otherwise its connection is of no use any more.
    pub(super) async fn within<T>(self, statement: impl Future<Output = T>) -> Option<T> {
        match self.0 {
            Some(limit) => timeout(limit, statement).await.ok(),
            None => Some(statement.await),
        }
    }

    /// What is said of a statement that was not answered in time.
    pub(super) fn error(self) -> DatabaseError {
        DatabaseError::OutcomeUnknown(ServerUrl::no_answer_within(self.0.unwrap_or_default()))
    }
}
