//! A TCP proxy that cuts its connections, all of them when it is told to, or some after a number of bytes, can
//! hold back what clients say, and can lead to another server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// An unreliable proxy cuts one of so many connections: so more than one of a request's would have to be
/// unlucky before it fails again.
const CONNECTIONS_PER_CUT: u64 = 7;

/// Passes connections on to a server.
pub struct Proxy {
    /// Where to connect to.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    server: watch::Sender<String>,
    /// How many connections there are.
    open: Arc<AtomicUsize>,
    /// How many there have been that are over.
    ended: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// How often all connections were cut. A connection lives as long as this is what it was at its
    /// start, so that none misses a cut that is healed at once.
    cuts: u64,
    refuses: bool,
    /// What the clients of connections with lower numbers say is held back.
    held_below: u64,
    /// Whether something is held back.
    holds: bool,
    /// The next connection's number.
    next: u64,
}

impl Proxy {
    /// Before this server.
    pub async fn before(server: String) -> Result<Self> {
        Self::start(server, |_| u64::MAX).await
    }

    /// Before this server. The first connection is cut before its first byte, and every seventh one behind
    /// it after some bytes, in whichever direction they go: while it is made, within a statement, or within
    /// an answer.
    pub async fn unreliable_before(server: String) -> Result<Self> {
        let bytes = |connection| match connection % CONNECTIONS_PER_CUT {
            // Spread over what a request says and hears.
            0 => connection / CONNECTIONS_PER_CUT * 379 % 4_000,
            _ => u64::MAX,
        };
        Self::start(server, bytes).await
    }

    /// `most_bytes` says how many bytes a connection may carry, by its number.
    async fn start(
        server: String,
        most_bytes: impl Fn(u64) -> u64 + Send + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, _) = watch::channel(State::default());
        let (server, leading) = watch::channel(server);
        let proxy = Self {
            address,
            state,
            server,
            open: Arc::default(),
            ended: Arc::default(),
        };
        let (of_all, open, ended) = (proxy.state.clone(), proxy.open.clone(), proxy.ended.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let at_start = *of_all.borrow();
                if at_start.refuses {
                    continue;
                }
                of_all.send_modify(|state| state.next += 1);
                let mut state = of_all.subscribe();
                let server = leading.borrow().clone();
                let connection = Connection {
                    number: at_start.next,
                    state: of_all.clone(),
                    bytes_left: AtomicU64::new(most_bytes(at_start.next)),
                };
                let (open, ended) = (open.clone(), ended.clone());
                open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    tokio::select! {
                        biased;
                        _ = state.wait_for(|now| now.cuts != at_start.cuts) => {}
                        () = connection.carry(client, &server) => {}
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Ok(proxy)
    }

    /// Holds back what the clients of its connections say from now on; those that come later are not affected.
    pub fn hold(&self) {
        self.state
            .send_modify(|state| state.held_below = state.next);
    }

    /// Passes on what was held back.
    pub fn release(&self) {
        self.state.send_modify(|state| {
            state.held_below = 0;
            state.holds = false;
        });
    }

    /// Waits until something is held back.
    pub async fn until_held(&self) {
        let _ = self.state.subscribe().wait_for(|state| state.holds).await;
    }

    /// How many connections are over.
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }

    /// Cuts all connections and takes no new ones.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.refuses = true;
        });
    }

    /// Leads to another server, once it takes connections again.
    pub fn lead_to(&self, server: String) {
        self.server.send_replace(server);
    }

    /// Cuts all connections, and takes new ones once that is done.
    pub async fn cut_idle(&self) {
        self.cut();
        while self.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        self.heal();
    }

    /// Takes connections again.
    pub fn heal(&self) {
        self.state.send_modify(|state| state.refuses = false);
    }
}

/// Who says something.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Client,
    Server,
}

/// One connection.
struct Connection {
    number: u64,
    state: watch::Sender<State>,
    /// How many more it may carry, in both directions together.
    bytes_left: AtomicU64,
}

impl Connection {
    /// Passes on what comes, until one side ends or no bytes are left.
    async fn carry(&self, mut client: TcpStream, server: &str) {
        let Ok(mut server) = TcpStream::connect(server).await else {
            return;
        };
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            _ = self.pass_on(from_client, to_server, Side::Client) => {}
            _ = self.pass_on(from_server, to_client, Side::Server) => {}
        }
    }

    /// Waits for as long as what its client says is held back.
    async fn hold(&self) {
        if self.number < self.state.borrow().held_below {
            self.state.send_modify(|state| state.holds = true);
            let mut state = self.state.subscribe();
            let _ = state.wait_for(|now| self.number >= now.held_below).await;
        }
    }

    async fn pass_on(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        says: Side,
    ) -> std::io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let most = self
                .bytes_left
                .load(Ordering::Relaxed)
                .min(buffer.len() as u64);
            let room = buffer.get_mut(..most as usize).unwrap_or_default();
            // Nothing is read where nothing is left, and then it has ended as well.
            let count = from.read(room).await?;
            if says == Side::Client {
                self.hold().await;
            }
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            let spend = |left: u64| Some(left.saturating_sub(count as u64));
            let _ = self
                .bytes_left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
            to.write_all(bytes).await?;
        }
    }
}
