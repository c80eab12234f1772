//! A connection to a PostgreSQL server.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use batchintory::{DatabaseError, Rows, Value};
use batchintory_database_url::ServerUrl;
use tokio_postgres::config::Host;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, NoTls};

use crate::settings::Server;
use crate::socket::Socket;
use crate::wait::block_on;

/// How long connecting may take, in nanoseconds, unless the URL says otherwise.
const CONNECT_TIMEOUT: u64 = 10_000_000_000;

const PORT: u16 = 5432;

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A connection to a PostgreSQL server.
pub(crate) struct Connection {
    client: Rc<Client>,
    /// What moves the client's bytes; it runs while a statement does.
    traffic: Pin<Box<tokio_postgres::Connection<Socket, NoTlsStream>>>,
    has_ended: bool,
    /// How long a statement may take; `None` for ever.
    statement_timeout: Option<Duration>,
}

impl Connection {
    /// Connects, to the first of the server's hosts that answers.
    pub(crate) fn open(server: &Server) -> Result<Self, DatabaseError> {
        let Server {
            config,
            statement_timeout,
            told,
        } = server;
        let timeout = config
            .get_connect_timeout()
            .map_or(CONNECT_TIMEOUT, |time| nanoseconds(*time));
        block_on(Self::connect(config, *statement_timeout), Some(timeout))
            .unwrap_or_else(|| Err("the server has not answered in time".to_owned()))
            .map_err(|words| DatabaseError::Unavailable(told.reason(words)))
    }

    async fn connect(config: &Config, statement_timeout: Option<Duration>) -> Result<Self, String> {
        let mut failure = "the URL names no host".to_owned();
        for (index, host) in config.get_hosts().iter().enumerate() {
            #[allow(irrefutable_let_patterns, reason = "other systems have Unix sockets")]
            let Host::Tcp(host) = host else { continue };
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied();
            let socket = match Socket::connect(host, port.unwrap_or(PORT)).await {
                Ok(socket) => socket,
                Err(reason) => {
                    failure = reason;
                    continue;
                }
            };
            match config.connect_raw(socket, NoTls).await {
                Ok((client, traffic)) => {
                    return Ok(Self {
                        client: Rc::new(client),
                        traffic: Box::pin(traffic),
                        has_ended: false,
                        statement_timeout,
                    });
                }
                Err(error) => failure = batchintory_postgres::message(&error),
            }
        }
        Err(failure)
    }

    /// Gives the connection back unless the server has ended it since the latest statement.
    pub(crate) fn if_open(mut self) -> Option<Self> {
        let looked_at = poll_fn(|context| {
            self.move_bytes(context);
            Poll::Ready(())
        });
        block_on(looked_at, None);
        (!self.has_ended).then_some(self)
    }

    /// Runs a statement.
    pub(crate) fn query(
        &mut self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Rows, DatabaseError> {
        let client = self.client.clone();
        let mut answer = pin!(batchintory_postgres::query(&client, statement, parameters));
        let limit = self.statement_timeout;
        let answered = poll_fn(|context| {
            self.move_bytes(context);
            answer.as_mut().poll(context)
        });
        if let Some(answer) = block_on(answered, limit.map(nanoseconds)) {
            return answer;
        }
        let what = match limit.filter(|_| !self.has_ended) {
            None => "the connection ended before the answer came".into(),
            Some(limit) => ServerUrl::no_answer_within(limit),
        };
        // Whatever comes yet would be taken for the next statement's answer.
        self.has_ended = true;
        Err(DatabaseError::OutcomeUnknown(what))
    }

    /// Sends and reads what can be.
    fn move_bytes(&mut self, context: &mut Context<'_>) {
        if !self.has_ended {
            self.has_ended = self.traffic.as_mut().poll(context).is_ready();
        }
    }
}
