//! What the service is, and the inventory's table.

use batchintory::{Dialect, HistoryQuery, Operations as _, at_once};
use http::StatusCode;
use serde::Deserialize as _;
use serde::de::{IntoDeserializer as _, value::Error as ValueError};
use serde_json::json;

use crate::OPENAPI;
use crate::asked::Asked;
use crate::inventory::if_made;
use crate::metrics;
use crate::parameters::{no_query, query};
use crate::problem::Problem;
use crate::response::{self, Response, ok};

/// Whether the inventory can be read. One that is not made yet is no reason to send nobody here: who
/// makes it comes this way, too.
pub(crate) fn health(asked: Asked<'_>) -> Result<Response, Problem> {
    let latest = if_made(at_once(asked.inventory.history(HistoryQuery {
        limit: 1,
        details: false,
        ..HistoryQuery::default()
    })))?;
    let status = match latest {
        Some(_) => "ok",
        None => "not-migrated",
    };
    ok(&json!({ "status": status }))
}

/// The inventory in figures, for Prometheus.
pub(crate) fn metrics(asked: Asked<'_>) -> Result<Response, Problem> {
    let text = metrics::text(query(asked.request.query)?, asked.inventory)?;
    Ok(response::bytes(
        StatusCode::OK,
        metrics::MEDIA_TYPE,
        text.into_bytes(),
    ))
}

/// The API's description.
pub(crate) fn description(_: Asked<'_>) -> Result<Response, Problem> {
    Ok(response::bytes(
        StatusCode::OK,
        "application/json",
        OPENAPI.into(),
    ))
}

/// The statements that make the inventory table.
pub(crate) fn schema(mut asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    let name = asked.names.take("dialect");
    let dialect = Dialect::deserialize(name.as_str().into_deserializer());
    let dialect = dialect.map_err(|error: ValueError| {
        Problem::invalid_request(format!("the dialect in the path: {error}"))
    })?;
    let statements = at_once(asked.inventory.schema_statements(dialect))?;
    ok(&json!({ "statements": statements }))
}

/// Makes the inventory table.
pub(crate) fn migrate(asked: Asked<'_>) -> Result<Response, Problem> {
    no_query(asked.request.query)?;
    ok(&at_once(asked.inventory.migrate())?)
}
