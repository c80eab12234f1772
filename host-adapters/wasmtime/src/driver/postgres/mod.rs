//! PostgreSQL, by tokio-postgres with a pool of connections.

mod connection;
mod connections;
mod directness;
mod kept;
mod keyword;
mod listening;
mod options;
mod parameters;
mod password_file;
mod service;
mod socket;
mod surroundings;
mod targets;
mod tls;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use batchintory_database_url::ServerUrl;
use deadpool::managed::{Object, Pool, PoolError};
use scopeguard::ScopeGuard;
use tokio::sync::Mutex;

use super::standby::takes_no_writes;
use super::time_limit::TimeLimit;
use crate::database::{Database, Notifications};
use connections::{Connections, Failure};
use listening::Listening;
use options::Options;
use surroundings::Surroundings;

/// A PostgreSQL database.
pub(crate) struct Postgres {
    pool: Pool<Connections>,
    limit: TimeLimit,
    listening: Mutex<Listening>,
}

impl Postgres {
    /// Connects once, to tell early what is wrong; further connections are made when needed.
    pub(crate) async fn connect(url: &ServerUrl) -> Result<Self, String> {
        let options = Options::read(url, &Surroundings::own())?;
        let pool_size = options.pool_size;
        let limit = TimeLimit::read(url)?;
        let pool = Pool::builder(Connections::new(options))
            .max_size(pool_size)
            .build()
            .map_err(|error| error.to_string())?;
        let connection = pool.get().await.map_err(|error| pool_message(&error))?;
        drop(connection);
        Ok(Self {
            pool,
            limit,
            listening: Mutex::default(),
        })
    }
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgresql
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let connection = self
            .pool
            .get()
            .await
            .map_err(|error| DatabaseError::Unavailable(pool_message(&error)))?;
        let mut running = scopeguard::guard(connection, |connection| {
            self.pool.manager().give_up(Object::take(connection));
        });
        let answer = running.query(statement, parameters);
        let Some(answer) = self.limit.within(answer).await else {
            return Err(self.limit.error());
        };
        let connection = ScopeGuard::into_inner(running);
        if takes_no_writes(&answer, Dialect::Postgresql) {
            drop(Object::take(connection));
            self.pool.retain(|_, _| false);
        }
        answer
    }

    async fn listen(&self, channel: &str) -> Option<Notifications> {
        let connections = self.pool.manager();
        let notified = connections.notified();
        let mut listening = self.listening.lock().await;
        // Without them whoever waits asks again by the clock, so no error is made of it.
        let since = listening.to(channel, connections).await.ok()?;
        Some(Notifications { notified, since })
    }
}

/// Why there is no connection.
fn pool_message(error: &PoolError<Failure>) -> String {
    match error {
        PoolError::Backend(error) => error.to_string(),
        other => other.to_string(),
    }
}
