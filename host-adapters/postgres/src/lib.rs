//! batchintory's statements over a connection of tokio-postgres, whatever carries its bytes: sockets of
//! the operating system, or those that a WebAssembly component is given.
//!
//! By [`query`] a statement travels with the types of its parameters and without a name, in one round trip: no
//! session keeps anything, so it works through a pooler in transaction mode too. [`prepare`] gives it a name, for
//! connections that are known to lead to one session.

mod errors;
mod values;

use std::pin::pin;

use batchintory::{DatabaseError, Rows, Value};
use futures_util::TryStreamExt as _;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, RowStream, Statement};

pub use errors::message;

/// Runs one statement by itself, in autocommit, and gives back all its rows.
///
/// # Errors
///
/// As the boundary tells them: each says whether the statement took effect. Where the connection ends
/// before the answer has come, that is not known.
pub async fn query(
    client: &Client,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    let parameters = parameters
        .iter()
        .map(|value| (values::Parameter(value), values::type_of(value)));
    let stream = client
        .query_typed_raw(statement, parameters)
        .await
        .map_err(errors::explain)?;
    collect(statement, stream).await
}

/// Prepares a statement for parameters of the types that these have.
///
/// The name is the driver's: `s0`, `s1` and so on in every process alike. Through a pooler that does not keep track of
/// names it may be another client's statement.
///
/// # Errors
///
/// As of [`query`]; nothing is executed.
pub async fn prepare(
    client: &Client,
    statement: &str,
    parameters: &[Value],
) -> Result<Statement, DatabaseError> {
    let types: Vec<Type> = parameters.iter().map(values::type_of).collect();
    client
        .prepare_typed(statement, &types)
        .await
        .map_err(errors::explain)
}

/// Runs a statement that was prepared from this text.
///
/// # Errors
///
/// As of [`query`].
pub async fn query_prepared(
    client: &Client,
    prepared: &Statement,
    statement: &str,
    parameters: &[Value],
) -> Result<Rows, DatabaseError> {
    let stream = client
        .query_raw(prepared, parameters.iter().map(values::Parameter))
        .await
        .map_err(errors::explain)?;
    collect(statement, stream).await
}

/// What tells a statement from others of the same text: the types of its parameters, a letter for each.
#[must_use]
pub fn types_of(parameters: &[Value]) -> String {
    (parameters.iter().map(values::type_of))
        .map(|sql_type| match sql_type {
            Type::BOOL => 'b',
            Type::INT8 => 'i',
            Type::FLOAT8 => 'f',
            _ => 't',
        })
        .collect()
}

async fn collect(statement: &str, stream: RowStream) -> Result<Rows, DatabaseError> {
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
