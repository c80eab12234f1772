//! A TCP proxy that cuts its connections, all of them when it is told to, or some after so many bytes, and can
//! lead to another server.

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
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// How often all connections were cut. A connection lives as long as this is what it was at its
    /// start, so that none misses a cut that is healed at once.
    cuts: u64,
    refuses: bool,
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
        let (state, of_all) = watch::channel(State::default());
        let (server, leading) = watch::channel(server);
        let open = Arc::new(AtomicUsize::new(0));
        let counted = open.clone();
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((client, _)) = listener.accept().await {
                let mut state = of_all.clone();
                let at_start = *state.borrow_and_update();
                if at_start.refuses {
                    continue;
                }
                let server = leading.borrow().clone();
                let bytes_left = AtomicU64::new(most_bytes(number));
                number += 1;
                let counted = counted.clone();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    tokio::select! {
                        biased;
                        _ = state.wait_for(|now| now.cuts != at_start.cuts) => {}
                        () = carry(client, &server, &bytes_left) => {}
                    }
                    counted.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Self {
            address,
            state,
            server,
            open,
        })
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

/// Passes on what comes, until one side ends or no bytes are left.
async fn carry(mut client: TcpStream, server: &str, bytes_left: &AtomicU64) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::select! {
        _ = pass_on(from_client, to_server, bytes_left) => {}
        _ = pass_on(from_server, to_client, bytes_left) => {}
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes_left: &AtomicU64,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let most = bytes_left.load(Ordering::Relaxed).min(buffer.len() as u64);
        let room = buffer.get_mut(..most as usize).unwrap_or_default();
        // Nothing is read where nothing is left, and then it has ended as well.
        let count = from.read(room).await?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        let spend = |left: u64| Some(left.saturating_sub(count as u64));
        let _ = bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        to.write_all(bytes).await?;
    }
}
