//! The service as one would write it by hand: axum, tokio-postgres, four statements.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::NoTls;

use crate::floor::{ByHand, Claimed, Sending};

/// As many connections as the adapter has by default.
const CONNECTIONS: usize = 16;

struct Service {
    table: &'static str,
    idle: Mutex<Vec<ByHand<'static>>>,
    places: Semaphore,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    tokens: AtomicU64,
}

/// A connection of the service's.
struct Connection<'a> {
    connection: Option<ByHand<'static>>,
    service: &'a Service,
    _place: SemaphorePermit<'a>,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.service.idle().extend(self.connection.take());
    }
}

#[derive(Deserialize)]
struct Request {
    max_weight: f64,
}

/// The service, over connections of its own.
pub async fn service(url: &str, table: &'static str) -> Result<Router> {
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        // It lives as long as the process.
        let client = Box::leak(Box::new(client));
        idle.push(ByHand::new(client, table, Sending::Unnamed).await?);
    }
    let service = Service {
        table,
        places: Semaphore::new(idle.len()),
        idle: Mutex::new(idle),
        turns: Mutex::default(),
        tokens: AtomicU64::new(u64::from(std::process::id()) << 32),
    };
    Ok(Router::new()
        .route("/v1/jobs/{job}/batches", post(acquire))
        .route("/v1/batches/{token}/complete", post(complete))
        .with_state(Arc::new(service)))
}

impl Service {
    /// Waits for a connection; it is given back when dropped.
    async fn connection(&self) -> Result<Connection<'_>> {
        let place = self.places.acquire().await?;
        let taken = self.idle().pop();
        Ok(Connection {
            connection: Some(taken.context("more places than connections")?),
            service: self,
            _place: place,
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<ByHand<'static>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(&self, job: &str, weight: f64, token: u128) -> Result<Claimed> {
        let turn = self.turn(job);
        let _turn = turn.lock().await;
        let connection = self.connection().await?;
        let connection = connection.connection.as_ref().context("no connection")?;
        connection.acquire(self.table, job, weight, token).await
    }

    async fn complete(&self, token: &str) -> Result<()> {
        let connection = self.connection().await?;
        let connection = connection.connection.as_ref().context("no connection")?;
        connection.complete_token(token).await
    }

    fn turn(&self, job: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(job.to_owned()).or_default().clone()
    }
}

async fn acquire(
    State(service): State<Arc<Service>>,
    Path(job): Path<String>,
    Json(request): Json<Request>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let token = u128::from(service.tokens.fetch_add(1, Ordering::Relaxed));
    let claimed = service
        .acquire(&job, request.max_weight, token)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let batch = json!({
        "claim_token": format!("{token:032x}"),
        "meta_table": service.table,
        "job": job,
        "count": claimed.count,
    });
    Ok((StatusCode::CREATED, Json(batch)))
}

async fn complete(
    State(service): State<Arc<Service>>,
    Path(token): Path<String>,
) -> Result<StatusCode, StatusCode> {
    service
        .complete(&token)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::NO_CONTENT)
}
