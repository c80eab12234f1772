//! The statements of the fence in PostgreSQL.

use sea_query::{Expr, ExprTrait, Query, SubQueryStatement};

use super::source::{SOURCE, lookup_name, source};
use super::{Conditions, Statement, TypedStatement, bigint, bind_text, flag, is_standby, text};
use crate::database::Dialect;
use crate::job::Job;

/// What lies behind a meta table, as the start of a statement's text whose parameter is its name.
///
/// Followed are the table itself; the children and partitions whose rows it shows; the relations that
/// a view reads, however deep; and, not read themselves, the parents through which rows may come to a
/// partition. The relations that hold their ids are all of these, and the sequences that their columns
/// are drawn from.
const FOLLOWED: &str = "\
    WITH RECURSIVE followed(relation, is_read) AS (\
    SELECT CAST(to_regclass(?) AS oid), TRUE \
    UNION SELECT found.relation, found.is_read FROM followed, LATERAL (\
    SELECT inhrelid, TRUE FROM pg_catalog.pg_inherits WHERE is_read AND inhparent = followed.relation \
    UNION ALL SELECT inhparent, FALSE FROM pg_catalog.pg_inherits WHERE inhrelid = followed.relation \
    UNION ALL SELECT refobjid, TRUE FROM pg_catalog.pg_rewrite AS rules, pg_catalog.pg_depend \
    WHERE is_read AND ev_class = followed.relation AND ev_type = '1' \
    AND classid = CAST('pg_rewrite' AS regclass) AND objid = rules.oid \
    AND refclassid = CAST('pg_class' AS regclass) AND refobjid <> followed.relation\
    ) AS found(relation, is_read)), \
    relations AS (SELECT relation FROM followed \
    UNION SELECT objid FROM followed, pg_catalog.pg_depend \
    WHERE refclassid = CAST('pg_class' AS regclass) AND refobjid = relation \
    AND deptype IN ('a', 'i') AND classid = CAST('pg_class' AS regclass) \
    UNION SELECT refobjid FROM followed, pg_catalog.pg_attrdef AS defaults, pg_catalog.pg_depend \
    WHERE adrelid = relation AND classid = CAST('pg_attrdef' AS regclass) AND objid = defaults.oid \
    AND refclassid = CAST('pg_class' AS regclass))";

/// Why the fence cannot see all who insert, as a query of `reason`: relations that are not written by
/// sessions that lock them, rows that replication brings, sequences whose ids do not come in the order
/// in which they are drawn.
const BLIND_SPOTS: &str = "\
    SELECT CASE relkind \
    WHEN 'm' THEN 'the rows of the materialized view ' || name || ' come when it is refreshed' \
    WHEN 'f' THEN 'the rows of the foreign table ' || name || ' are written on another server' \
    ELSE name || ' is no table' END AS reason \
    FROM (SELECT relkind, CAST(CAST(oid AS regclass) AS text) AS name FROM pg_catalog.pg_class \
    WHERE relkind NOT IN ('r', 'p', 'v') \
    AND oid IN (SELECT relation FROM followed WHERE is_read)) AS kinds \
    UNION ALL SELECT 'a view reads no table' WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class \
    WHERE relkind <> 'v' AND oid IN (SELECT relation FROM followed WHERE is_read)) \
    UNION ALL SELECT 'the rows of the view ' || CAST(CAST(ev_class AS regclass) AS text) || \
    ' are made by the function ' || CAST(CAST(functions.oid AS regprocedure) AS text) \
    FROM pg_catalog.pg_rewrite AS rules, pg_catalog.pg_depend, pg_catalog.pg_proc AS functions \
    WHERE ev_class IN (SELECT relation FROM followed WHERE is_read) AND ev_type = '1' \
    AND classid = CAST('pg_rewrite' AS regclass) AND objid = rules.oid \
    AND refclassid = CAST('pg_proc' AS regclass) AND refobjid = functions.oid AND proretset \
    UNION ALL SELECT 'the rows of ' || CAST(CAST(srrelid AS regclass) AS text) || \
    ' come by logical replication' FROM pg_catalog.pg_subscription_rel \
    WHERE srrelid IN (SELECT relation FROM followed) \
    UNION ALL SELECT 'rows may come by replication from the origin ' || roname \
    FROM pg_catalog.pg_replication_origin WHERE roname NOT LIKE 'pg#_%' ESCAPE '#' \
    UNION ALL SELECT 'the sequence ' || name || CASE \
    WHEN seqcache > 1 THEN ' gives a session several ids at once; ALTER SEQUENCE ' || name || ' CACHE 1' \
    WHEN seqcycle THEN ' begins anew at its end; ALTER SEQUENCE ' || name || ' NO CYCLE' \
    ELSE ' counts down' END FROM (SELECT *, CAST(CAST(seqrelid AS regclass) AS text) AS name \
    FROM pg_catalog.pg_sequence WHERE seqcache > 1 OR seqcycle OR seqincrement < 0) AS sequences \
    WHERE seqrelid IN (SELECT relation FROM relations)";

/// Who may yet insert.
pub(crate) struct Writers {
    /// The highest id of the table.
    pub(crate) highest: Option<i64>,
    /// The virtual ids of transactions, separated by spaces.
    pub(crate) writers: Option<String>,
    /// Why not all are seen.
    pub(crate) blind_spots: Option<String>,
    pub(crate) is_standby: bool,
}

/// The highest id, who may yet insert a lower one, and why that cannot be told: one row with `highest,
/// writers, blind_spots, is_standby`. Writers are the virtual ids of transactions, separated by spaces,
/// blind spots are clauses; NULL when there are none.
///
/// They hold a lock that a writer takes, on one of the relations that hold the table's ids. The locks
/// are read later than the statement's snapshot is taken: a transaction that ended in between is seen
/// by the next statement.
///
/// Relies on: the index on the uid column; the catalogs' own.
pub(crate) fn read_writers(job: &Job, dialect: Dialect) -> TypedStatement<Writers> {
    let mut highest = Query::select();
    highest
        .expr(source(&job.columns.uid).max())
        .from_as(job.meta_table.reference(), SOURCE);
    let is_standby = is_standby(dialect);
    let fence = format!(
        "CAST(fence.writers AS text), CAST(fence.blind_spots AS text), \
         {is_standby} FROM ({FOLLOWED} SELECT \
         (SELECT string_agg(DISTINCT locks.virtualtransaction, ' ') \
         FROM pg_catalog.pg_locks AS locks \
         WHERE locks.locktype = 'relation' AND locks.granted \
         AND locks.database = (SELECT oid FROM pg_catalog.pg_database \
         WHERE datname = current_database()) \
         AND locks.pid IS DISTINCT FROM pg_backend_pid() \
         AND locks.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', \
         'AccessExclusiveLock') \
         AND locks.relation IN (SELECT relation FROM relations)) AS writers, \
         (SELECT string_agg(reason, '; ') FROM ({BLIND_SPOTS}) AS found) AS blind_spots) AS fence"
    );
    let mut select = Query::select();
    select
        .expr(bigint(Expr::from(SubQueryStatement::from(highest))))
        .expr(Expr::cust_with_expr(
            fence,
            bind_text(lookup_name(job).as_str()),
        ));
    Statement::build(&select, dialect).read_as(|row| Writers {
        highest: row.optional_int(),
        writers: row.optional_text(),
        blind_spots: row.optional_text(),
        is_standby: row.flag(),
    })
}

/// Whether the database gives out the ids of the meta table itself, by a sequence that one of the relations
/// behind it draws from: one row with `draws`.
///
/// Relies on: the catalogs' own indexes.
pub(crate) fn read_draws(job: &Job) -> TypedStatement<bool> {
    let mut select = Query::select();
    match job.dialect {
        Dialect::Mysql => {
            let by_hand = "NOT EXISTS (SELECT 1 FROM information_schema.columns AS columns \
                 INNER JOIN information_schema.tables AS tables \
                 ON tables.table_schema = columns.table_schema \
                 AND tables.table_name = columns.table_name \
                 WHERE columns.table_schema = ? AND columns.table_name = ? AND columns.column_name = ? \
                 AND tables.table_type = 'BASE TABLE' AND columns.extra NOT LIKE '%auto_increment%' \
                 AND COALESCE(columns.column_default, '') NOT LIKE '%nextval%')";
            let names = [
                job.meta_table.schema(),
                job.meta_table.table(),
                job.columns.uid.as_str(),
            ];
            select.expr(flag(Expr::cust_with_exprs(by_hand, names.map(bind_text))));
        }
        // SQLite has one writer, and is not asked.
        Dialect::Postgresql | Dialect::Sqlite => {
            let draws = format!(
                "EXISTS ({FOLLOWED} SELECT 1 FROM pg_catalog.pg_class \
                 WHERE relkind = 'S' AND oid IN (SELECT relation FROM relations))"
            );
            let name = lookup_name(job);
            let draws = Expr::cust_with_expr(draws, bind_text(name.as_str()));
            select.expr(flag(draws));
        }
    }
    Statement::build(&select, job.dialect).read_as(|row| row.flag())
}

/// How many of these transactions are still there: one row with `writers`. Takes 20 ms when there are
/// any, so that asking again needs no clock.
///
/// Relies on: nothing.
pub(crate) fn wait_for_writers(writers: &str, dialect: Dialect) -> TypedStatement<i64> {
    let mut still_there = Query::select();
    still_there
        .expr(Expr::cust("count(*) AS writers"))
        .from_as(("pg_catalog", "pg_locks"), "locks")
        .only(Expr::cust_with_expr(
            "locks.virtualtransaction = ANY (string_to_array(?, ' '))",
            bind_text(writers),
        ));
    let mut select = Query::select();
    select
        .expr(bigint(Expr::cust("found.writers")))
        .expr(text(Expr::cust(
            "CASE WHEN found.writers > 0 THEN pg_sleep(0.02) END",
        )))
        .from_subquery(still_there, "found");
    Statement::build(&select, dialect).read_as(|row| row.int())
}
