//! Connections: HTTP/1.1 over TCP.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use batchintory_http::logged_path;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::json;
use tokio::net::TcpListener;
use wasmtime_wasi_http::WasiBody;

use crate::error::Error;

/// How long a request's head may take to come.
const MAX_HEAD_TIME: Duration = Duration::from_secs(10);

/// How long requests under way may take to end when the server does.
const MAX_LAST_REQUESTS: Duration = Duration::from_secs(30);

/// How long to wait before a connection is accepted again when the system had no room for one.
const BREATH: Duration = Duration::from_millis(50);

/// Where a request comes from; an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves whoever connects by `handle`, until `end` is over; requests under way are then served.
///
/// # Errors
///
/// When the listener fails for good.
pub async fn serve<H, F>(
    listener: TcpListener,
    handle: H,
    end: impl Future<Output = ()>,
) -> Result<(), Error>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<WasiBody>, Infallible>> + Send + 'static,
{
    let connections = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let (stream, peer) = tokio::select! {
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
        // Answers are small and written at once.
        let _ = stream.set_nodelay(true);
        let handle = handle.clone();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(MAX_HEAD_TIME)
            // Whoever says that nothing more will come still waits for the answer.
            .half_close(true)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(Peer(peer.ip()));
                    logged(request, handle.clone())
                }),
            );
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(MAX_LAST_REQUESTS, connections.shutdown()).await;
    Ok(())
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
    let start = Instant::now();
    let method = request.method().clone();
    let path = logged_path(request.uri().path());
    let answer = if names_host(&request) {
        handle(request).await
    } else {
        Ok(problem(
            StatusCode::BAD_REQUEST,
            "invalid-request",
            "name the host in the one header Host",
        ))
    };
    if let Ok(response) = &answer {
        tracing::info!(
            %method,
            path,
            status = response.status().as_u16(),
            duration_us = start.elapsed().as_micros(),
            "request"
        );
    }
    answer
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
