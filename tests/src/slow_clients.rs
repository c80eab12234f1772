//! Clients that ask for much and take it slowly, or not at all.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What slow clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slowness {
    /// They connect, and that is all.
    Silent,
    /// They send a part of a request's head.
    HalfHead,
    /// They send a part of a request's body, without a token.
    HalfBody,
    /// They send a part of a request's body, with the token.
    HalfBodyWithToken,
    /// They ask for logs, with the token, and do not read them.
    NotReading,
}

impl Slowness {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Silent,
        Self::HalfHead,
        Self::HalfBody,
        Self::HalfBodyWithToken,
        Self::NotReading,
    ];

    /// What such a client sends.
    fn sent(self, token: &str) -> String {
        let authorization = format!("Authorization: Bearer {token}\r\n");
        let claim = |authorization: &str| {
            format!(
                "POST /v1/jobs/slow/batches HTTP/1.1\r\nHost: localhost\r\n{authorization}\
                 Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
            )
        };
        match self {
            Self::Silent => String::new(),
            Self::HalfHead => "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Half".into(),
            Self::HalfBody => claim(""),
            Self::HalfBodyWithToken => claim(&authorization),
            Self::NotReading => format!(
                "GET /v1/batches?limit=10&details=true&job=logs HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n"
            ),
        }
    }
}

/// The least time from one look at all clients to the next.
const ROUND: Duration = Duration::from_secs(1);

/// How long one that does not read is kept: whether it was left cannot be seen without reading.
const NOT_READING: Duration = Duration::from_secs(15);

/// So many slow clients, each of which comes again where it is refused or left; until dropped.
pub struct SlowClients {
    ends: Arc<AtomicBool>,
    connections: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl SlowClients {
    /// Sends them all to a service at `host:port`; once this is done, each has come once.
    pub fn start(address: &str, token: &str, slowness: Slowness, count: usize) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicU64::new(0));
        let mut crowd = Crowd {
            address: address.to_owned(),
            sent: slowness.sent(token),
            slowness,
            clients: (0..count).map(|_| None).collect(),
            connections: connections.clone(),
        };
        crowd.come();
        let told = ends.clone();
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                std::thread::sleep(ROUND);
                crowd.come();
            }
        });
        Self {
            ends,
            connections,
            thread: Some(thread),
        }
    }

    /// How many connections they have made.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for SlowClients {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Crowd {
    address: String,
    sent: String,
    slowness: Slowness,
    clients: Vec<Option<(TcpStream, Instant)>>,
    connections: Arc<AtomicU64>,
}

impl Crowd {
    /// Whoever is not connected connects.
    fn come(&mut self) {
        for client in &mut self.clients {
            if let Some((stream, since)) = client
                && is_connected(stream, *since, self.slowness)
            {
                continue;
            }
            *client = connect(&self.address, &self.sent);
            if client.is_some() {
                self.connections.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn connect(address: &str, sent: &str) -> Option<(TcpStream, Instant)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_nonblocking(true).ok()?;
    stream.write_all(sent.as_bytes()).ok()?;
    Some((stream, Instant::now()))
}

fn is_connected(stream: &mut TcpStream, since: Instant, slowness: Slowness) -> bool {
    if slowness == Slowness::NotReading {
        return since.elapsed() < NOT_READING;
    }
    let mut answer = [0; 1024];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}
