//! Waiting in the database, for callers without a clock.

use sea_query::Query;

use super::{Statement, text};
use crate::database::Dialect;

/// Waits for so many seconds: one row that says nothing. No statement where the dialect has none that
/// waits.
///
/// Relies on: nothing.
pub(crate) fn pause(dialect: Dialect, seconds: f64) -> Option<Statement> {
    let mut select = Query::select();
    select.expr(text(dialect.sleep(seconds)?));
    Some(Statement::build(&select, dialect))
}
