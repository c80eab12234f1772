//! Making connections, and looking whether one that lay idle still is one.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::options::Options;

/// How long a connection may lie idle before it is looked at, at the cost of a round trip. The statements of
/// one call follow each other faster.
const IDLE: Duration = Duration::from_millis(100);

/// Makes connections.
pub(super) struct Connections {
    target: Opts,
    connect_timeout: Duration,
}

impl Connections {
    /// By these options.
    pub(super) fn new(options: &Options) -> Self {
        Self {
            target: options.target.clone(),
            connect_timeout: options.connect_timeout,
        }
    }

    /// Ends a connection at the server, and with it the statement that nobody waits for any more: the server would
    /// not notice by itself before it has something to tell. `KILL QUERY` would miss one that has not begun.
    pub(super) fn give_up(&self, connection: Conn) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (target, limit) = (self.target.clone(), self.connect_timeout);
        runtime.spawn(async move {
            let end = async {
                let mut other = Conn::new(target).await?;
                (other.query_drop(format!("KILL {}", connection.id()))).await?;
                other.disconnect().await
            };
            // Where this does not get through, the server is as unreachable for the statement's own answer.
            let _ = within(limit, end).await;
            drop(connection);
        });
    }
}

impl Manager for Connections {
    type Type = Conn;
    type Error = Error;

    async fn create(&self) -> Result<Conn, Error> {
        within(self.connect_timeout, Conn::new(self.target.clone())).await
    }

    async fn recycle(&self, connection: &mut Conn, metrics: &Metrics) -> RecycleResult<Error> {
        if connection.is_disconnected() {
            return Err(RecycleError::message("the connection was lost"));
        }
        if metrics.last_used() > IDLE {
            within(self.connect_timeout, connection.ping()).await?;
        }
        Ok(())
    }
}

/// Makes a single connection.
pub(super) async fn open(options: &Options) -> Result<Conn, Error> {
    Connections::new(options).create().await
}

async fn within<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout(limit, step).await {
        Ok(done) => done,
        Err(_) => Err(Error::Other(
            format!("no answer within {} seconds", limit.as_secs()).into(),
        )),
    }
}
