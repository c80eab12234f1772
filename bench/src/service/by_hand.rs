//! The service as one would write it by hand: axum, tokio-postgres, two statements.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::recorded::{Connection, Statements};
use crate::claims::request;
use crate::tables::connected;

/// As many connections as the adapter has by default.
const CONNECTIONS: u64 = 16;

struct Service {
    table: &'static str,
    statements: Statements,
    /// tokio-postgres sends what comes at once one after the other.
    connections: Vec<Connection>,
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    requests: AtomicU64,
}

/// The service, over connections of its own.
pub async fn service(url: &str, table: &'static str) -> Result<Router> {
    let statements = Statements::record(url, &request(table, "")).await?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = connected(url).await?;
        connections.push(statements.prepare(client).await?);
    }
    let service = Service {
        table,
        statements,
        connections,
        turns: Mutex::default(),
        requests: AtomicU64::new(u64::from(std::process::id()) << 32),
    };
    Ok(Router::new()
        .route("/v1/jobs/{job}/batches", post(acquire))
        .route("/v1/batches/{token}/complete", post(complete))
        .with_state(Arc::new(service)))
}

impl Service {
    /// A number that no other request has, and a connection, each in turn.
    fn next(&self) -> Result<(u64, &Connection)> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let index = usize::try_from(number % CONNECTIONS)?;
        Ok((number, self.connections.get(index).context("a connection")?))
    }

    fn turn(&self, job: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(job.to_owned()).or_default().clone()
    }

    async fn acquire(&self, job: &str) -> Result<Value> {
        let turn = self.turn(job);
        let _turn = turn.lock().await;
        let (number, connection) = self.next()?;
        let token = format!("{number:032x}");
        let count = self.statements.acquire(connection, job, &token).await?;
        Ok(json!({ "claim_token": token, "meta_table": self.table, "job": job, "count": count }))
    }

    async fn complete(&self, token: &str) -> Result<()> {
        let (_, connection) = self.next()?;
        self.statements.complete(connection, token).await
    }
}

async fn acquire(
    State(service): State<Arc<Service>>,
    Path(job): Path<String>,
    Json(_request): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    match service.acquire(&job).await {
        Ok(batch) => Ok((StatusCode::CREATED, Json(batch))),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn complete(
    State(service): State<Arc<Service>>,
    Path(token): Path<String>,
) -> Result<StatusCode, StatusCode> {
    match service.complete(&token).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
