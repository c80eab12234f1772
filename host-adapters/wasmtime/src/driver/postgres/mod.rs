//! PostgreSQL, by tokio-postgres with a pool of connections.

mod errors;
mod options;
mod tls;
mod values;

use std::pin::pin;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::TryStreamExt;

use crate::database::Database;
use options::Options;

/// A PostgreSQL database.
///
/// A statement travels with the types of its parameters and without a name, in one round trip: no
/// session keeps anything, so it works through a pooler in transaction mode too.
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
        let connection = pool
            .get()
            .await
            .map_err(|error| errors::pool_message(&error))?;
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
            .map_err(|error| DatabaseError::Unavailable(errors::pool_message(&error)))?;
        let parameters = parameters
            .iter()
            .map(|value| (values::Parameter(value), values::type_of(value)));
        let stream = connection
            .query_typed_raw(statement, parameters)
            .await
            .map_err(errors::explain)?;
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await.map_err(errors::explain)? {
            rows.push(values::read(&row)?);
        }
        let is_select = statement
            .trim_start()
            .get(..6)
            .is_some_and(|verb| verb.eq_ignore_ascii_case("select"));
        let affected = if is_select {
            0
        } else {
            stream.rows_affected().unwrap_or(0)
        };
        Ok(Rows { rows, affected })
    }
}
