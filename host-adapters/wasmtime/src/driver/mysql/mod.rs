//! MySQL and MariaDB, by mysql_async with a pool of connections.

mod connections;
mod errors;
mod options;
mod values;

use async_trait::async_trait;
use batchintory::{DatabaseError, Dialect, Rows, Value};
use batchintory_database_url::ServerUrl;
use deadpool::managed::{Object, Pool};
use mysql_async::prelude::{Protocol, Queryable};
use mysql_async::{Conn, Error, Params, QueryResult, Row};
use scopeguard::ScopeGuard;

use super::standby::takes_no_writes;
use super::time_limit::TimeLimit;
use crate::database::Database;
use connections::Connections;
use options::Options;

/// A MySQL or MariaDB database.
///
/// A statement is prepared and executed; the server refuses a wrong one before anything is executed.
pub(crate) struct Mysql {
    pool: Pool<Connections>,
    schema: String,
    system: &'static str,
    limit: TimeLimit,
}

impl Mysql {
    /// Connects once, to tell early what is wrong; further connections are made when needed.
    pub(crate) async fn connect(url: &ServerUrl) -> Result<Self, String> {
        let mut options = Options::read(url)?;
        let mut first = connections::open(&options).await;
        if options.tls_may_lack && first.as_ref().is_err_and(errors::is_lack_of_tls) {
            options.leave_tls_out();
            first = connections::open(&options).await;
        }
        let explain = |error: Error| errors::connect_message(&error);
        let mut first = first.map_err(explain)?;
        let version: Option<String> = first
            .query_first("SELECT version()")
            .await
            .map_err(explain)?;
        let is_mariadb = version.is_some_and(|version| version.contains("MariaDB"));
        first.disconnect().await.map_err(explain)?;
        let (schema, limit) = (options.database.clone(), options.limit);
        let pool = Pool::builder(Connections::new(&options))
            .max_size(options.pool_size)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            pool,
            schema,
            system: if is_mariadb { "mariadb" } else { "mysql" },
            limit,
        })
    }
}

#[async_trait]
impl Database for Mysql {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn schema(&self) -> Option<&str> {
        Some(&self.schema)
    }

    fn system(&self) -> &'static str {
        self.system
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, DatabaseError> {
        let connection = (self.pool.get().await)
            .map_err(|error| DatabaseError::Unavailable(errors::pool_message(&error)))?;
        let mut running = scopeguard::guard(connection, |connection| {
            self.pool.manager().give_up(Object::take(connection));
        });
        let answer = run(&mut running, statement, parameters);
        let Some(answer) = self.limit.within(answer).await else {
            return Err(self.limit.error());
        };
        let connection = ScopeGuard::into_inner(running);
        if connection.is_disconnected() || takes_no_writes(&answer, Dialect::Mysql) {
            drop(Object::take(connection));
            // Those that lie idle were probably lost with it, or lead to the same server.
            self.pool.retain(|_, _| false);
        }
        answer
    }
}

async fn run(
    connection: &mut Conn,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    let prepared = match connection.prep(statement).await {
        Ok(prepared) => prepared,
        // Some statements, such as parts of DDL, cannot be prepared.
        Err(Error::Server(refused))
            if refused.code == errors::CANNOT_BE_PREPARED && parameters.is_empty() =>
        {
            let answer = connection.query_iter(statement).await;
            return collect(answer.map_err(errors::explain)?).await;
        }
        Err(error) => return Err(errors::explain_unsent(error)),
    };
    let parameters = match parameters {
        [] => Params::Empty,
        _ => Params::Positional(parameters.iter().map(values::parameter).collect()),
    };
    let answer = match connection.exec_iter(&prepared, parameters).await {
        Ok(answer) => collect(answer).await,
        Err(error) => Err(errors::explain(error)),
    };
    if connection.opts().stmt_cache_size() == 0 {
        // Nobody else closes it. A connection that is lost is told by the next look at it.
        let _ = connection.close(prepared).await;
    }
    answer
}

async fn collect<P: Protocol>(
    mut answer: QueryResult<'_, 'static, P>,
) -> Result<Rows, DatabaseError> {
    let selects = answer.columns().is_some_and(|columns| !columns.is_empty());
    let found: Vec<Row> = answer.collect().await.map_err(errors::explain)?;
    let affected = if selects { 0 } else { answer.affected_rows() };
    answer.drop_result().await.map_err(errors::explain)?;
    let rows = found.iter().map(values::read).collect::<Result<_, _>>()?;
    Ok(Rows { rows, affected })
}
