//! batchintory's statements over a connection of tokio-postgres, whatever carries its bytes: sockets of
//! the operating system, or those that a WebAssembly component is given.
//!
//! A statement travels with the types of its parameters and without a name, in one round trip: no
//! session keeps anything, so it works through a pooler in transaction mode too.

mod errors;
mod values;

use std::pin::pin;

use batchintory::{DatabaseError, Rows, Value};
use futures_util::TryStreamExt as _;
use tokio_postgres::Client;

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
