//! Connections: HTTP/1.1 over TCP.

use std::convert::Infallible;
use std::future::Future;
use std::io::Write as _;
use std::net::IpAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use batchintory_http::logged_path;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use wasmtime_wasi_http::WasiBody;

use crate::connections::Connections;
use crate::error::Error;
use crate::memory;
use crate::reader::{MustRead, Patience};
use crate::tls::Tls;

/// How long a request's head may take to come, from when the connection was made or the answer before it was
/// written.
const MAX_HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to agree on how a connection is encrypted.
const MAX_HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long requests under way may take to end when the server does.
const MAX_LAST_REQUESTS: Duration = Duration::from_secs(30);

/// How long to wait before a connection is accepted again when the system had no room for one.
const BREATH: Duration = Duration::from_millis(50);

/// Where a request comes from; an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// How often memory is given back that connections have left.
const REST: Duration = Duration::from_secs(10);

/// What listeners offer.
#[derive(Clone)]
pub struct ServerOptions {
    /// How many connections there may be at once. One more takes the place of that which has waited longest
    /// for a request, and is refused where there is none.
    pub max_connections: usize,
    /// By what connections are encrypted, if they are.
    pub tls: Option<Tls>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1_024,
            tls: None,
        }
    }
}

/// Marks requests that came over TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

/// Serves whoever connects by `handle`, until `end` is over; requests under way are then served.
///
/// Where a client closes its connection, the future that `handle` has made for its request is dropped. So it
/// is as well where the client closes only its sending half: the two look alike from here.
///
/// # Errors
///
/// When the listener fails for good.
pub async fn serve<H, F>(
    listener: TcpListener,
    options: ServerOptions,
    handle: H,
    end: impl Future<Output = ()>,
) -> Result<(), Error>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<WasiBody>, Infallible>> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let connections = Connections::at_most(options.max_connections);
    // Who has not begun to speak is not waited for in the end.
    let (is_open, ended) = watch::channel(());
    let mut end = pin!(end);
    let mut rest = tokio::time::interval(REST);
    let mut before = connections.counts();
    let mut was_busy = false;
    loop {
        let (stream, peer) = tokio::select! {
            _ = rest.tick() => {
                let now = connections.counts();
                let is_busy = now.open > 0 || now != before;
                // Some of what a connection had is freed a little after it.
                if is_busy || was_busy {
                    tokio::task::spawn_blocking(memory::give_back);
                }
                (before, was_busy) = (now, is_busy);
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Of one connection, or for want of file handles: there will be others.
                Err(error) => {
                    tracing::warn!("a connection was not accepted: {error}");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            },
            () = &mut end => break,
        };
        let Some(connection) = connections.take_in() else {
            refuse(stream, options.tls.is_some());
            continue;
        };
        // Answers are small and written at once.
        let _ = stream.set_nodelay(true);
        let client = Client {
            stream,
            peer: Peer(peer.ip()),
            acceptor: options.tls.as_ref().map(Tls::acceptor),
            watcher: graceful.watcher(),
            ended: ended.clone(),
        };
        let handle = handle.clone();
        tokio::spawn(async move {
            let serving = client.serve(connection.requests(), handle);
            connection.serve(serving).await;
        });
    }
    drop((listener, is_open));
    let _ = tokio::time::timeout(MAX_LAST_REQUESTS, graceful.shutdown()).await;
    Ok(())
}

/// Who has connected.
struct Client {
    stream: TcpStream,
    peer: Peer,
    /// What encrypts the connection, if it is to be.
    acceptor: Option<TlsAcceptor>,
    watcher: Watcher,
    /// Changes once no more connections are taken in.
    ended: watch::Receiver<()>,
}

impl Client {
    /// Serves its requests to the end of the connection; each is under way as long as what `requests` gives.
    async fn serve<R, H, F>(mut self, requests: impl Fn() -> R, handle: H)
    where
        H: Fn(Request<Incoming>) -> F + Clone,
        F: Future<Output = Result<Response<WasiBody>, Infallible>>,
    {
        let (peer, is_encrypted) = (self.peer, self.acceptor.is_some());
        let handle = move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            if is_encrypted {
                request.extensions_mut().insert(Encrypted);
            }
            let under_way = requests();
            let answer = logged(request, handle.clone());
            async move {
                let _under_way = under_way;
                answer.await
            }
        };
        let Some(acceptor) = self.acceptor else {
            return serve_connection(self.stream, self.watcher, handle).await;
        };
        let stream = tokio::select! {
            stream = encrypted(acceptor, self.stream) => stream,
            _ = self.ended.changed() => return,
        };
        match stream {
            Ok(stream) => serve_connection(stream, self.watcher, handle).await,
            Err(error) => tracing::debug!("no encryption: {error}"),
        }
    }
}

/// A stream within TLS.
async fn encrypted(
    acceptor: TlsAcceptor,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    match tokio::time::timeout(MAX_HANDSHAKE_TIME, acceptor.accept(stream)).await {
        Ok(done) => done,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}

/// Serves a connection to its end.
async fn serve_connection<S, H, F>(stream: S, watcher: Watcher, handle: H)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<WasiBody>, Infallible>>,
{
    let stream = MustRead::new(stream, Patience::default());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // It runs while nothing comes, too.
        .header_read_timeout(MAX_HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service_fn(handle));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("a connection ended: {error}");
    }
}

/// Tells a client that there are too many, if it is told at once and in the clear.
fn refuse(stream: TcpStream, is_to_be_encrypted: bool) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
        Content-Length: 0\r\nConnection: close\r\n\r\n";
    tracing::debug!("a connection was refused: there are too many requests under way");
    if is_to_be_encrypted {
        return;
    }
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(ANSWER);
    }
}

/// Serves a request and writes a line about it.
async fn logged<H, F>(
    request: Request<Incoming>,
    handle: H,
) -> Result<Response<WasiBody>, Infallible>
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<WasiBody>, Infallible>>,
{
    let mut line = Line::of(&request);
    let answer = if names_host(&request) {
        handle(request).await
    } else {
        Ok(problem(
            StatusCode::BAD_REQUEST,
            "invalid-request",
            "name the host in the one header Host",
        ))
    };
    line.status = answer.as_ref().ok().map(Response::status);
    answer
}

/// The line about a request; written when it is dropped, whatever became of it.
struct Line {
    start: Instant,
    method: Method,
    path: String,
    status: Option<StatusCode>,
}

impl Line {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            start: Instant::now(),
            method: request.method().clone(),
            path: logged_path(request.uri().path()),
            status: None,
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let (method, path) = (&self.method, self.path.as_str());
        let duration_us = self.start.elapsed().as_micros();
        match self.status {
            Some(status) => {
                let status = status.as_u16();
                tracing::info!(%method, path, status, duration_us, "request");
            }
            None => tracing::info!(%method, path, duration_us, "the client has gone"),
        }
    }
}

/// Whether the request says to which host it goes, once, as it must.
fn names_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok(),
        _ => false,
    }
}

/// The answer where the component has none. Why is for the log, not for the caller.
pub(crate) fn failed(error: &wasmtime::Error) -> Response<WasiBody> {
    tracing::error!("a request failed: {error:#}");
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the service failed; its log says why",
    )
}

/// The answer to a body that took too long, in the component's words.
pub(crate) fn too_slow() -> Response<WasiBody> {
    problem(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        "the body did not come in time; send the request again",
    )
}

/// The answer to a body that ended before its end, in the component's words.
pub(crate) fn broken_off() -> Response<WasiBody> {
    problem(
        StatusCode::BAD_REQUEST,
        "invalid-request",
        "the body ended before its end",
    )
}

/// The answer where all requests together have too little memory.
pub(crate) fn busy() -> Response<WasiBody> {
    let mut response = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the service has too much to do at once; ask again soon, or for less",
    );
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The answer to a request that can never have as much memory as it needs.
pub(crate) fn too_large() -> Response<WasiBody> {
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "limit-reached",
        "the answer needs more memory than the service has for all requests, as for an item of many \
         megabytes: ask for less, or read it by the command line or a program",
    )
}

/// An answer in the form in which the component tells problems.
pub(crate) fn problem(status: StatusCode, error: &str, detail: &str) -> Response<WasiBody> {
    let problem = json!({
        "type": format!("urn:batchintory:{error}"),
        "title": error.replace('-', " "),
        "status": status.as_u16(),
        "detail": detail,
        "error": error,
    });
    let body = Full::new(Bytes::from(problem.to_string()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
