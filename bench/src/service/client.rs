//! Clients: each claims and completes, again and again, on a connection of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::until;
use crate::tables::BATCH_WEIGHT;

/// The services' API token.
pub const TOKEN: &str = "a-token-of-the-bench";

/// What clients have done and how long it took.
#[derive(Default)]
pub struct Load {
    acquires: Vec<Duration>,
    requests: u64,
    time: Duration,
    /// How many items they were given.
    pub items: u64,
}

impl Load {
    /// Lets clients call a service for a while, and adds what they did.
    pub async fn run(
        &mut self,
        address: &str,
        table: &str,
        jobs: &[String],
        clients: usize,
        time: Duration,
    ) -> Result<()> {
        let start = Instant::now();
        let clients: Vec<_> = (0..clients)
            .zip(jobs.iter().cycle())
            .map(|(_, job)| {
                let (address, table, job) = (address.to_owned(), table.to_owned(), job.clone());
                tokio::spawn(async move { client(&address, &table, &job, start + time).await })
            })
            .collect();
        for client in clients {
            let done = client.await??;
            self.requests += 2 * done.acquires.len() as u64;
            self.items += done.items;
            self.acquires.extend(done.acquires);
        }
        self.time += start.elapsed();
        Ok(())
    }

    /// Requests per second.
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }

    /// How long the slowest claim but one in a hundred took, in seconds.
    pub fn p99(&self) -> f64 {
        let mut times: Vec<f64> = self.acquires.iter().map(Duration::as_secs_f64).collect();
        times.sort_by(f64::total_cmp);
        times
            .get(times.len() * 99 / 100)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

async fn client(address: &str, table: &str, job: &str, end: Instant) -> Result<Load> {
    let mut connection = Connection::open(address).await?;
    let claim = format!("/v1/jobs/{}/batches", job.replace(' ', "%20"));
    let request = json!({ "meta_table": table, "max_weight": BATCH_WEIGHT });
    let mut load = Load::default();
    while !until(end).is_zero() {
        let start = Instant::now();
        let (status, batch) = connection.post(&claim, &request).await?;
        load.acquires.push(start.elapsed());
        ensure!(status == 201, "acquire answers {status}: {batch}");
        load.items += (batch.get("count").and_then(Value::as_u64)).context("a count")?;
        let token = (batch.get("claim_token").and_then(Value::as_str)).context("a claim token")?;
        let complete = format!("/v1/batches/{token}/complete");
        let (status, answer) = connection.post(&complete, &json!({})).await?;
        ensure!(status == 204, "complete answers {status}: {answer}");
    }
    Ok(load)
}

/// A connection that stays open.
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// The status of an answer.
    pub async fn get(&mut self, path: &str) -> Result<u16> {
        let (status, _) = self.send(Method::GET, path, Bytes::new()).await?;
        Ok(status)
    }

    /// The status and the JSON of an answer.
    async fn post(&mut self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let (status, bytes) = self
            .send(Method::POST, path, body.to_string().into())
            .await?;
        let answer = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)?
        };
        Ok((status, answer))
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<(u16, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            // The one name that a service on loopback goes by.
            .header("host", "localhost")
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        // The answer before may not be behind us yet.
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}
