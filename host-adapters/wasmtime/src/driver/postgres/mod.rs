//! PostgreSQL, by tokio-postgres with a pool of connections.

mod options;
mod tls;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};

use crate::database::Database;
use options::Options;

/// A PostgreSQL database.
pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Connects once, to tell early what is wrong; further connections are made when needed.
    pub(crate) async fn connect(url: &str) -> Result<Self, String> {
        let Options {
            config,
            tls,
            pool_size,
        } = Options::parse(url)?;
        let manager = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(config, tls, manager))
            .max_size(pool_size)
            .build()
            .map_err(|error| error.to_string())?;
        let connection = pool.get().await.map_err(|error| pool_message(&error))?;
        drop(connection);
        Ok(Self { pool })
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
        batchintory_postgres::query(&connection, statement, parameters).await
    }
}

/// Why there is no connection.
fn pool_message(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => batchintory_postgres::message(error),
        other => other.to_string(),
    }
}
