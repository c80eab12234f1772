//! Making connections, to the first server that will do, and looking whether one that lay idle still is one.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::lookup_host;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::{Connection, connector};
use super::directness::Ends;
use super::kept;
use super::options::Options;
use super::socket;
use super::targets::Target;

/// How long a connection may lie idle before it is looked at, at the cost of a round trip: it may have been
/// forgotten without a word.
const IDLE: Duration = Duration::from_secs(1);

/// The session that is looked for, by libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby's, and any where there is none.
    PreferStandby,
}

impl Session {
    /// The session of this name; the names were looked at before.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "read-write" => Self::ReadWrite,
            "read-only" => Self::ReadOnly,
            "primary" => Self::Primary,
            "standby" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => Self::Any,
        }
    }

    /// A question to the server, the answer that is wanted, and what is wrong with the other one.
    fn question(self) -> Option<(&'static str, &'static str, &'static str)> {
        const WRITES: &str = "SHOW transaction_read_only";
        const RECOVERS: &str = "SELECT pg_catalog.pg_is_in_recovery()";
        match self {
            Self::Any => None,
            Self::ReadWrite => Some((WRITES, "off", "its sessions are read-only")),
            Self::ReadOnly => Some((WRITES, "on", "its sessions are not read-only")),
            Self::Primary => Some((RECOVERS, "f", "it is a standby")),
            Self::Standby | Self::PreferStandby => Some((RECOVERS, "t", "it is no standby")),
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    /// Of a statement that makes a connection ready.
    pub(super) fn of_statement(error: tokio_postgres::Error) -> Self {
        Self(batchintory_postgres::message(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a server will not do.
enum Refusal {
    /// Another may.
    ThisServer(String),
    /// The server's word, which would be that of the others too.
    All(String),
}

/// Makes connections.
pub(super) struct Connections {
    options: Options,
    /// Counts the notifications that come over any of the connections.
    notified: watch::Sender<u64>,
}

impl Connections {
    /// By these options.
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            notified: watch::Sender::new(0),
        }
    }

    /// What changes with each notification.
    pub(super) fn notified(&self) -> watch::Receiver<u64> {
        self.notified.subscribe()
    }

    /// Connects to the first server that offers such a session.
    async fn first(&self, wanted: Session) -> Result<Connection, Refusal> {
        let mut targets: Vec<&Target> = self.options.targets.iter().collect();
        if self.options.in_random_order {
            shuffle(&mut targets);
        }
        let mut reasons = Vec::new();
        for target in &targets {
            match self.connect(target, wanted).await {
                Err(Refusal::ThisServer(reason)) if targets.len() > 1 => {
                    reasons.push(format!("{}: {reason}", target.shown()));
                }
                Err(Refusal::ThisServer(reason)) => reasons.push(reason),
                done => return done,
            }
        }
        Err(Refusal::ThisServer(reasons.join("; ")))
    }

    /// Connects to one server, by one of its addresses.
    async fn connect(&self, target: &Target, wanted: Session) -> Result<Connection, Refusal> {
        let addresses = match target.address {
            Some(address) => vec![Some(address)],
            None if target.is_socket() => vec![None],
            None => addresses_of(target).await?.into_iter().map(Some).collect(),
        };
        let mut refusal = Refusal::ThisServer("its name has no address".into());
        for address in addresses {
            let attempt = self.attempt(target, address, wanted);
            let limit = self.options.connect_timeout;
            refusal = match timeout(limit, attempt).await {
                Ok(Err(refusal @ Refusal::ThisServer(_))) => refusal,
                Ok(done) => return done,
                Err(_) => {
                    Refusal::ThisServer(format!("no answer within {} seconds", limit.as_secs()))
                }
            };
        }
        Err(refusal)
    }

    async fn attempt(
        &self,
        target: &Target,
        address: Option<IpAddr>,
        wanted: Session,
    ) -> Result<Connection, Refusal> {
        let mut config = self.options.config.clone();
        if let Some(password) = &target.password {
            config.password(password);
        }
        let connection = match address {
            Some(address) => self.over_network(&config, target, address).await?,
            None => self.over_socket(config, target).await?,
        };
        match is_wanted(&connection, wanted).await {
            Ok(None) => Ok(connection),
            Ok(Some(reason)) => Err(Refusal::ThisServer(reason.to_owned())),
            Err(error) => Err(refusal(&error)),
        }
    }

    async fn over_network(
        &self,
        config: &Config,
        target: &Target,
        address: IpAddr,
    ) -> Result<Connection, Refusal> {
        let unreachable =
            |error: io::Error| Refusal::ThisServer(format!("error connecting to server: {error}"));
        let address = SocketAddr::new(address, target.port);
        let stream = socket::open(address, config).await.map_err(unreachable)?;
        let ends = Ends::of(&stream);
        let tls = connector(self.tls(), &target.host).map_err(Refusal::ThisServer)?;
        let (client, traffic) = config
            .connect_raw(stream, tls)
            .await
            .map_err(|error| refusal(&error))?;
        let server = Some((address, target.host.clone()));
        let connection = Connection::new(
            client,
            in_background(traffic, self.notified.clone()),
            server,
        );
        Ok(match (self.options.statement_cache, ends) {
            (Some(most), _) => connection.keeping(most),
            (None, Some(ends)) => connection.keeping_if_direct(kept::USUAL, ends).await,
            (None, None) => connection,
        })
    }

    async fn over_socket(
        &self,
        mut config: Config,
        target: &Target,
    ) -> Result<Connection, Refusal> {
        // Its other end is on this machine.
        config
            .host(&target.host)
            .port(target.port)
            .ssl_mode(SslMode::Disable);
        let (client, traffic) = config
            .connect(self.tls())
            .await
            .map_err(|error| refusal(&error))?;
        let connection =
            Connection::new(client, in_background(traffic, self.notified.clone()), None);
        // A pooler may listen there as well, and nothing would tell.
        Ok(connection.keeping(self.options.statement_cache.unwrap_or(0)))
    }

    /// Ends a connection, and before that the statement that nobody waits for any more: the server would not
    /// notice by itself before it has something to tell.
    pub(super) fn give_up(&self, connection: Connection) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(connection.cancel(self.tls(), self.options.connect_timeout));
    }

    fn tls(&self) -> MakeRustlsConnect {
        self.options.tls.clone()
    }
}

impl Manager for Connections {
    type Type = Connection;
    type Error = Failure;

    async fn create(&self) -> Result<Connection, Failure> {
        let wanted = self.options.session;
        let found = match self.first(wanted).await {
            Err(Refusal::ThisServer(_)) if wanted == Session::PreferStandby => {
                self.first(Session::Any).await
            }
            found => found,
        };
        found.map_err(|(Refusal::ThisServer(reason) | Refusal::All(reason))| Failure(reason))
    }

    async fn recycle(&self, client: &mut Connection, metrics: &Metrics) -> RecycleResult<Failure> {
        // The runtime may not have seen yet what the server said meanwhile: where one thread does all, it looks
        // when nothing else is to be done, and then the connection's own task has its turn.
        for _ in ["look", "tell"] {
            tokio::task::yield_now().await;
        }
        if client.is_closed() {
            return Err(RecycleError::message("the connection was closed"));
        }
        if metrics.last_used() <= IDLE {
            return Ok(());
        }
        match timeout(self.options.connect_timeout, client.simple_query("")).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(RecycleError::message("the connection does not answer")),
        }
    }
}

/// Moves a connection's bytes until it ends, and counts the notifications among them.
fn in_background<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    notified: watch::Sender<u64>,
) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        // An error ends it, which the client's statements tell too.
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                notified.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    })
}

async fn addresses_of(target: &Target) -> Result<Vec<IpAddr>, Refusal> {
    match lookup_host((target.host.as_str(), target.port)).await {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        Err(error) => Err(Refusal::ThisServer(format!(
            "its name cannot be looked up: {error}"
        ))),
    }
}

/// What the server says counts for all of them, unless it only starts or has no room; so libpq has it, that a
/// wrong password is not tried everywhere.
fn refusal(error: &tokio_postgres::Error) -> Refusal {
    let message = batchintory_postgres::message(error);
    match error.code() {
        None => Refusal::ThisServer(message),
        Some(code) => match *code {
            SqlState::CANNOT_CONNECT_NOW | SqlState::TOO_MANY_CONNECTIONS => {
                Refusal::ThisServer(message)
            }
            _ => Refusal::All(message),
        },
    }
}

/// What is wrong with a server's session, if anything.
async fn is_wanted(
    client: &Client,
    wanted: Session,
) -> Result<Option<&'static str>, tokio_postgres::Error> {
    let Some((question, answer, otherwise)) = wanted.question() else {
        return Ok(None);
    };
    for message in client.simple_query(question).await? {
        if let SimpleQueryMessage::Row(row) = message {
            return Ok((row.try_get(0)? != Some(answer)).then_some(otherwise));
        }
    }
    Ok(Some(otherwise))
}

/// Puts them in an order by chance.
fn shuffle<T>(list: &mut [T]) {
    for index in (1..list.len()).rev() {
        let random =
            usize::try_from(getrandom::u64().unwrap_or_default() >> 32).unwrap_or_default();
        list.swap(index, random % (index + 1));
    }
}
