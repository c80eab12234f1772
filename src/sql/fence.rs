//! The statements of the fence in PostgreSQL.

use sea_query::{Alias, Expr, ExprTrait, Query, SubQueryStatement};

use super::source::{RELATIONS, lookup_name};
use super::{Statement, bigint, bind_text, text};
use crate::database::Dialect;
use crate::job::Job;

/// The highest id, and who may yet insert a lower one: one row with `highest, writers, is_standby`.
/// Writers are the virtual ids of transactions, separated by spaces; NULL when there are none.
///
/// They hold a lock that a writer takes, on the table, one of its partitions, or a sequence that the
/// table's ids are drawn from. The locks are read later than the statement's snapshot is taken: a
/// transaction that ended in between is seen by the next statement.
///
/// Relies on: the index on the uid column; the catalogs' own.
pub(crate) fn read_writers(job: &Job, dialect: Dialect) -> Statement {
    let mut writers = Query::select();
    writers
        .expr(Expr::cust(
            "string_agg(DISTINCT locks.virtualtransaction, ' ')",
        ))
        .from_as(("pg_catalog", "pg_locks"), "locks")
        .and_where(Expr::cust(
            "locks.locktype = 'relation' AND locks.granted \
             AND locks.database = (SELECT oid FROM pg_catalog.pg_database \
             WHERE datname = current_database()) \
             AND locks.pid IS DISTINCT FROM pg_backend_pid() \
             AND locks.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', \
             'AccessExclusiveLock')",
        ))
        .and_where(Expr::cust_with_expr(
            format!("locks.relation IN ({RELATIONS})"),
            bind_text(lookup_name(job).as_str()),
        ));
    let mut select = Query::select();
    select
        .expr(bigint(
            Expr::col(("source", Alias::new(&job.columns.uid))).max(),
        ))
        .expr(text(Expr::from(SubQueryStatement::from(writers))))
        .expr(bigint(Expr::cust(
            "CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END",
        )))
        .from_as(job.meta_table.reference(), "source");
    Statement::build(&select, dialect)
}

/// How many of these transactions are still there: one row with `writers`. Takes 20 ms when there are
/// any, so that asking again needs no clock.
///
/// Relies on: nothing.
pub(crate) fn wait_for_writers(writers: &str, dialect: Dialect) -> Statement {
    let mut still_there = Query::select();
    still_there
        .expr(Expr::cust("count(*) AS writers"))
        .from_as(("pg_catalog", "pg_locks"), "locks")
        .and_where(Expr::cust_with_expr(
            "locks.virtualtransaction = ANY (string_to_array($1, ' '))",
            bind_text(writers),
        ));
    let mut select = Query::select();
    select
        .expr(bigint(Expr::cust("found.writers")))
        .expr(text(Expr::cust(
            "CASE WHEN found.writers > 0 THEN pg_sleep(0.02) END",
        )))
        .from_subquery(still_there, "found");
    Statement::build(&select, dialect)
}
