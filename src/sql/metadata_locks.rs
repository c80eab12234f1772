//! The statements of the fence in MySQL and MariaDB.

use sea_query::{Expr, ExprTrait, Query};

use super::source::{SOURCE, select_nothing, source};
use super::{Statement, TypedStatement, bigint, bind_text, is_standby};
use crate::database::Dialect;
use crate::job::Job;

/// Where a server shows its metadata locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// In `performance_schema.metadata_locks`.
    PerformanceSchema,
    /// In MariaDB's `information_schema.metadata_lock_info`, a plugin's.
    Plugin,
}

/// What a server is.
pub(crate) struct Server {
    /// The highest id of the table.
    pub(crate) highest: Option<i64>,
    pub(crate) is_mariadb: bool,
    /// Whether it has the performance schema.
    pub(crate) has_schema: bool,
    /// Whether it has MariaDB's plugin.
    pub(crate) has_plugin: bool,
    pub(crate) is_read_only: bool,
}

/// The highest id, and what the server is: one row with `highest, is_mariadb, has_schema, has_plugin,
/// is_read_only`.
///
/// Relies on: the index on the uid column.
pub(crate) fn read_server(job: &Job) -> TypedStatement<Server> {
    let highest = source(&job.columns.uid).max();
    let mut select = Query::select();
    select
        .expr(bigint(job.dialect.at_most_signed(highest)))
        .expr(Expr::cust(format!(
            "CAST(@@version LIKE '%MariaDB%' AS signed), CAST(@@performance_schema AS signed), \
             CAST((SELECT count(*) FROM information_schema.plugins AS plugins \
             WHERE plugins.plugin_name = 'METADATA_LOCK_INFO' \
             AND plugins.plugin_status = 'ACTIVE') AS signed), {}",
            is_standby(job.dialect)
        )))
        .from_as(job.meta_table.reference(), SOURCE);
    Statement::build(&select, job.dialect).read_as(|row| Server {
        highest: row.optional_int(),
        is_mariadb: row.flag(),
        has_schema: row.flag(),
        has_plugin: row.flag(),
        is_read_only: row.flag(),
    })
}

/// The tables that a statement on the meta table reads, and who may yet insert there: rows of `schema,
/// table, writer`, one for each pair; the writer is NULL where a table has none. No row where the server
/// does not show the lock that this very statement holds.
///
/// A view is locked with all tables that it is made from, a merged table with its parts; so the
/// statement's own locks name them. A writer holds any lock that is not a reader's, on the table, from
/// before it draws an id until its transaction is over. It is named by its session and, where they can be
/// told apart, by what it locked: a session's next transaction is another writer.
///
/// Relies on: nothing; there are as many locks as open tables.
pub(crate) fn read_writers(job: &Job, shown: Shown) -> Statement {
    let found = match shown {
        Shown::PerformanceSchema => {
            "CAST(own.object_schema AS char), CAST(own.object_name AS char), \
             CAST(CONCAT_WS('.', theirs.owner_thread_id, theirs.owner_event_id, \
             theirs.object_instance_begin) AS char) \
             FROM performance_schema.threads AS me \
             INNER JOIN performance_schema.metadata_locks AS own \
             ON own.owner_thread_id = me.thread_id \
             LEFT JOIN performance_schema.metadata_locks AS theirs \
             ON theirs.object_type = own.object_type \
             AND theirs.object_schema = own.object_schema \
             AND theirs.object_name = own.object_name \
             AND NOT (theirs.owner_thread_id <=> own.owner_thread_id) \
             AND theirs.lock_status <> 'PENDING' \
             AND theirs.lock_type NOT IN ('INTENTION_EXCLUSIVE', 'SHARED', 'SHARED_HIGH_PRIO', \
             'SHARED_READ', 'SHARED_READ_ONLY') \
             WHERE me.processlist_id = CONNECTION_ID() AND own.object_type = 'TABLE' \
             AND own.object_schema <> 'performance_schema'"
        }
        Shown::Plugin => {
            "CAST(own.table_schema AS char), CAST(own.table_name AS char), \
             CAST(theirs.thread_id AS char) \
             FROM information_schema.metadata_lock_info AS own \
             LEFT JOIN information_schema.metadata_lock_info AS theirs \
             ON theirs.lock_type = own.lock_type \
             AND theirs.table_schema = own.table_schema \
             AND theirs.table_name = own.table_name \
             AND theirs.thread_id <> own.thread_id \
             AND theirs.lock_mode NOT IN ('MDL_INTENTION_EXCLUSIVE', 'MDL_SHARED', \
             'MDL_SHARED_HIGH_PRIO', 'MDL_SHARED_READ', 'MDL_SHARED_READ_ONLY') \
             WHERE own.thread_id = CONNECTION_ID() AND own.lock_type = 'Table metadata lock' \
             AND own.table_schema <> 'performance_schema'"
        }
    };
    let opened = select_nothing(job, [Expr::cust("1")]);
    let mut select = Query::select();
    select.distinct().expr(Expr::cust_with_expr(
        format!("{found} AND NOT ?"),
        Expr::exists(opened),
    ));
    Statement::build(&select, job.dialect)
}

/// Signs that rows of these tables, given by schema and name, come otherwise than by sessions whose locks
/// are shown: rows of `name, value`, or none. They are of replicas and clusters, whose ids are drawn on
/// other servers; of storage engines that read elsewhere; of locks that the server did not keep; and in
/// MySQL of prepared transactions, whose locks pass from their session to nobody.
///
/// Relies on: the lookup of one table, for each; there are as many rows as the server has variables
/// and threads.
pub(crate) fn read_doubts(
    is_mariadb: bool,
    tables: &[[String; 2]],
) -> TypedStatement<(String, String)> {
    let mut doubts = String::from(if is_mariadb {
        "CAST(variable_name AS char), CAST(variable_value AS char) \
         FROM information_schema.global_status WHERE variable_name IN ('Slaves_running', \
         'Performance_schema_metadata_lock_lost', 'Performance_schema_thread_instances_lost') \
         AND variable_value <> '0' \
         UNION ALL SELECT CAST(variable_name AS char), CAST(variable_value AS char) \
         FROM information_schema.global_variables \
         WHERE variable_name = 'wsrep_on' AND variable_value = 'ON'"
    } else {
        "CAST(variable_name AS char), CAST(variable_value AS char) \
         FROM performance_schema.global_status WHERE variable_name IN ('Com_xa_prepare', \
         'Performance_schema_metadata_lock_lost', 'Performance_schema_thread_instances_lost') \
         AND variable_value <> '0' \
         UNION ALL SELECT CAST(variable_name AS char), CAST(variable_value AS char) \
         FROM performance_schema.global_variables \
         WHERE variable_name = 'group_replication_single_primary_mode' AND variable_value = 'OFF' \
         UNION ALL SELECT CAST(name AS char), CAST(thread_id AS char) \
         FROM performance_schema.threads \
         WHERE name IN ('thread/sql/slave_sql', 'thread/sql/replica_sql')"
    });
    for _ in tables {
        doubts.push_str(
            " UNION ALL SELECT CONCAT('the engine of ', table_name), CAST(kind AS char) FROM \
             (SELECT names.table_name, COALESCE((SELECT COALESCE(engine, table_type) \
             FROM information_schema.tables WHERE table_schema = ? AND table_name = ?), \
             'not shown to this user') AS kind FROM (SELECT ? AS table_name) AS names) AS kinds \
             WHERE kind NOT IN ('VIEW', 'InnoDB', 'MyISAM', 'Aria', 'MEMORY', 'MRG_MyISAM', 'ARCHIVE', \
             'CSV', 'ROCKSDB', 'TokuDB')",
        );
    }
    let names = (tables.iter())
        .flat_map(|[schema, table]| [schema, table, table])
        .map(|name| bind_text(name.as_str()));
    let mut select = Query::select();
    select.expr(Expr::cust_with_exprs(doubts, names));
    Statement::build(&select, Dialect::Mysql).read_as(|row| (row.text(), row.text()))
}

/// The prepared transactions of a MariaDB server: rows of `format, length, length, name`. The server lets
/// go of their locks when their session ends.
///
/// Relies on: nothing; there are few.
pub(crate) fn read_prepared() -> Statement {
    Statement {
        text: "XA RECOVER FORMAT='SQL'".into(),
        parameters: Vec::new(),
    }
}
