//! One connection, and what it keeps.

use std::net::SocketAddr;
use std::ops::Deref;
use std::pin::pin;
use std::time::Duration;

use batchintory::{DatabaseError, Rows, Value};
use batchintory_postgres as postgres;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::directness::Ends;
use super::kept::{Kept, Turn};

/// After so many prepared statements in a row that the server did not know, a connection prepares no more.
const UNKNOWN: u32 = 3;

/// How long a statement has to end before its end is asked for again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A connection to a server.
pub(super) struct Connection {
    client: Client,
    /// What moves its bytes.
    traffic: JoinHandle<()>,
    /// The server's address and name, by which a statement is cancelled; none for sockets of files.
    server: Option<(SocketAddr, String)>,
    /// What is prepared; none where names are not safe, or not wanted.
    kept: Option<Kept<Statement>>,
    /// The ends that the server must see before the first statement is prepared.
    ends: Option<Ends>,
    /// So many prepared statements in a row were not known.
    unknown: u32,
}

impl Connection {
    /// One that prepares nothing.
    pub(super) fn new(
        client: Client,
        traffic: JoinHandle<()>,
        server: Option<(SocketAddr, String)>,
    ) -> Self {
        Self {
            client,
            traffic,
            server,
            kept: None,
            ends: None,
            unknown: 0,
        }
    }

    /// The same, which keeps so many statements prepared, whatever is between.
    pub(super) fn keeping(mut self, most: usize) -> Self {
        self.kept = (most > 0).then(|| Kept::new(most));
        self
    }

    /// The same, which keeps so many statements prepared if it has these ends at the server too.
    pub(super) async fn keeping_if_direct(mut self, most: usize, ends: Ends) -> Self {
        if ends.are_seen_by(&self.client).await {
            self.ends = Some(ends);
            self.kept = Some(Kept::new(most));
        }
        self
    }

    /// Runs a statement.
    pub(super) async fn query(
        &mut self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Rows, DatabaseError> {
        let Some(kept) = &mut self.kept else {
            return postgres::query(&self.client, statement, parameters).await;
        };
        let text = format!("{} {statement}", postgres::types_of(parameters));
        let prepared = match kept.turn(&text) {
            Turn::Unnamed => return postgres::query(&self.client, statement, parameters).await,
            Turn::Prepared(prepared) => prepared,
            // The old one is closed where it is dropped.
            Turn::Prepare(_) => {
                if !self.may_prepare().await {
                    return postgres::query(&self.client, statement, parameters).await;
                }
                let prepared = postgres::prepare(&self.client, statement, parameters).await?;
                if let Some(kept) = &mut self.kept {
                    kept.keep(text.clone(), prepared.clone());
                }
                prepared
            }
        };
        let answer = postgres::query_prepared(&self.client, &prepared, statement, parameters).await;
        if !is_unknown(&answer) {
            self.unknown = 0;
            return answer;
        }
        // Nothing was executed. Whoever made the server forget it may do so again.
        self.unknown += 1;
        match &mut self.kept {
            Some(kept) if self.unknown < UNKNOWN => kept.forget(&text),
            _ => self.kept = None,
        }
        postgres::query(&self.client, statement, parameters).await
    }

    /// Whether names are still safe, just before the first one is given.
    async fn may_prepare(&mut self) -> bool {
        if let Some(ends) = self.ends.take()
            && !ends.are_seen_by(&self.client).await
        {
            self.kept = None;
        }
        self.kept.is_some()
    }

    /// Ends the statement that is under way: asks for its end again and again, since the server does not keep in
    /// mind what it was asked before the statement had begun. `limit` is how long asking may take each time.
    pub(super) async fn cancel(self, tls: MakeRustlsConnect, limit: Duration) {
        // What comes behind the statement is answered, or fails, once that has ended.
        let mut ended = pin!(self.client.simple_query(""));
        let mut pause = FIRST_PAUSE;
        loop {
            // Where this does not get through, the server is as unreachable for the statement's own answer.
            let _ = timeout(limit, self.ask_to_cancel(tls.clone())).await;
            if timeout(pause, &mut ended).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks the server, by a connection of its own, to end what this one runs.
    async fn ask_to_cancel(&self, tls: MakeRustlsConnect) -> Option<()> {
        let cancel = self.client.cancel_token();
        match &self.server {
            None => cancel.cancel_query(tls).await.ok(),
            Some((address, name)) => {
                let stream = TcpStream::connect(address).await.ok()?;
                let tls = connector(tls, name).ok()?;
                cancel.cancel_query_raw(stream, tls).await.ok()
            }
        }
    }
}

/// TLS to the server of this name.
pub(super) fn connector(
    mut tls: MakeRustlsConnect,
    name: &str,
) -> Result<<MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect, String> {
    <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::make_tls_connect(&mut tls, name)
        .map_err(|error| error.to_string())
}

/// Whether the server does not know the prepared statement.
fn is_unknown(answer: &Result<Rows, DatabaseError>) -> bool {
    const INVALID_SQL_STATEMENT_NAME: &str = "26000";
    matches!(answer, Err(DatabaseError::Refused(refusal)) if refusal.code == INVALID_SQL_STATEMENT_NAME)
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.traffic.abort();
    }
}
