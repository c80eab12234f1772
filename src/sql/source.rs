//! The statements on what a database says of a meta table itself.

use sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement, SubQueryStatement};

use super::{
    Conditions, Statement, TypedStatement, bind_text, either, flag, of_column, quoted, text,
};
use crate::database::Dialect;
use crate::job::Job;

/// What the meta table is called in a statement.
pub(super) const SOURCE: &str = "source";

/// A meta table's name as PostgreSQL looks it up.
pub(super) fn lookup_name(job: &Job) -> String {
    let quoted = |name| quoted(name, Dialect::Postgresql);
    format!(
        "{}.{}",
        quoted(job.meta_table.schema()),
        quoted(job.meta_table.table())
    )
}

/// Whether ids are sure to be unique.
pub(crate) struct Uniqueness {
    /// An index lets an id stand in one row only.
    pub(crate) is_unique: bool,
    /// There are rows whose id is NULL.
    pub(crate) has_null: bool,
}

/// Whether ids are sure to be unique: one row with `unique, has_null`, each 1 or 0. The first tells
/// of an index that lets an id stand in one row only, the second of rows whose id is NULL.
///
/// Relies on: the catalogs' indexes; the index on the uid column.
pub(crate) fn read_uniqueness(job: &Job, dialect: Dialect) -> TypedStatement<Uniqueness> {
    let uid = || bind_text(job.columns.uid.as_str());
    let table = || bind_text(job.meta_table.table());
    let schema = || bind_text(job.meta_table.schema());
    let is_unique = match dialect {
        Dialect::Postgresql => Expr::cust_with_exprs(
            "EXISTS (SELECT 1 FROM pg_catalog.pg_index AS keys \
             INNER JOIN pg_catalog.pg_attribute AS columns \
             ON columns.attrelid = keys.indrelid AND columns.attnum = keys.indkey[0] \
             WHERE keys.indrelid = CAST(to_regclass(?) AS oid) AND keys.indisunique AND keys.indisvalid \
             AND keys.indnkeyatts = 1 AND keys.indpred IS NULL \
             AND CAST(columns.attname AS text) = ?)",
            [bind_text(lookup_name(job).as_str()), uid()],
        ),
        Dialect::Sqlite => Expr::cust_with_exprs(
            "(lower(?) IN ('rowid', 'oid', '_rowid_') OR \
             (SELECT group_concat(lower(columns.name)) FROM pragma_table_info(?, ?) AS columns \
             WHERE columns.pk > 0) = lower(?) OR \
             EXISTS (SELECT 1 FROM pragma_index_list(?, ?) AS keys \
             WHERE keys.\"unique\" = 1 AND keys.partial = 0 AND \
             (SELECT group_concat(lower(columns.name)) FROM pragma_index_info(keys.name, ?) AS columns) \
             = lower(?)))",
            [
                uid(),
                table(),
                schema(),
                uid(),
                table(),
                schema(),
                schema(),
                uid(),
            ],
        ),
        Dialect::Mysql => Expr::cust_with_exprs(
            "EXISTS (SELECT 1 FROM information_schema.statistics AS parts \
             WHERE parts.table_schema = ? AND parts.table_name = ? AND parts.non_unique = 0 \
             GROUP BY parts.index_name HAVING count(*) = 1 AND max(parts.column_name) = ?)",
            [schema(), table(), uid()],
        ),
    };
    let mut without_id = Query::select();
    without_id
        .expr(Expr::cust("1"))
        .from_as(job.meta_table.reference(), SOURCE)
        .only(source(&job.columns.uid).is_null());
    let mut select = Query::select();
    select.exprs([is_unique, Expr::exists(without_id)].map(flag));
    Statement::build(&select, dialect).read_as(|row| Uniqueness {
        is_unique: row.flag(),
        has_null: row.flag(),
    })
}

/// What identifies the meta table's database: one row of it, NULL where it does not tell this user; none where
/// SQLite has no such schema. Fails where a server knows no such thing.
///
/// PostgreSQL's function is looked for before it is called, within the statement: one that fails would break
/// the transaction that a caller may have begun.
///
/// Relies on: nothing; catalogs of a row or a few.
pub(crate) fn read_identity(job: &Job) -> TypedStatement<Option<String>> {
    let mut select = Query::select();
    match job.dialect {
        Dialect::Postgresql => select.expr(text(Expr::cust(
            "CASE WHEN has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()'), 'execute') \
             THEN CONCAT(substring(CAST(query_to_xml(\
             'SELECT system_identifier FROM pg_catalog.pg_control_system()', true, true, '') AS text) \
             FROM '[0-9]{9,}'), '/', (SELECT databases.oid FROM pg_catalog.pg_database AS databases \
             WHERE databases.datname = current_database())) END",
        ))),
        Dialect::Sqlite => (select.expr(text(Expr::cust("nullif(files.file, '')"))))
            .from_as(Alias::new("pragma_database_list"), "files")
            .only(Expr::cust_with_expr(
                "files.name = ? COLLATE NOCASE",
                bind_text(job.meta_table.schema()),
            )),
        // A comment of the one is a statement's part for the other.
        Dialect::Mysql => select.expr(text(Expr::cust(
            "/*!80000 @@server_uuid *//*M! @@server_uid */",
        ))),
    };
    Statement::build(&select, job.dialect).read_as(|row| row.optional_text())
}

/// How a MySQL server spells names of tables and databases: one row of them. It takes them in small
/// letters, whatever is written, unless its files tell capitals apart.
///
/// Relies on: nothing; it is a variable.
pub(crate) fn spell(names: &[Option<&str>]) -> TypedStatement<Vec<Option<String>>> {
    let mut select = Query::select();
    for name in names {
        let name = || bind_text(*name);
        let keeps = Expr::cust("@@lower_case_table_names = 0");
        let folded = Func::lower(name());
        select.expr(text(either(keeps, name(), folded.into())));
    }
    Statement::build(&select, Dialect::Mysql).read_as(|row| row.texts())
}

/// How an SQLite table was made: a row of `sql`, or none where the name is no table.
///
/// Relies on: nothing; the schema is small.
pub(crate) fn read_definition(job: &Job) -> TypedStatement<String> {
    let mut select = Query::select();
    select
        .expr(text(Expr::cust("tables.sql")))
        .from_as(
            (
                Alias::new(job.meta_table.schema()),
                Alias::new("sqlite_master"),
            ),
            "tables",
        )
        .only(Expr::cust("tables.type = 'table'"))
        .only(Expr::cust("lower(tables.name)").eq(bind_text(job.meta_table.table())));
    Statement::build(&select, Dialect::Sqlite).read_as(|row| row.text())
}

/// The declared types of columns.
pub(crate) struct Declarations {
    /// The time by the database's clock.
    pub(crate) now: Option<String>,
    /// In the order of the columns.
    pub(crate) types: Vec<Option<String>>,
}

/// The declared types of columns: one row of the time by the database's clock (RFC 3339; NULL where it is
/// not asked for) and the types in the order of the columns. Fails where the table or one of the columns is
/// missing, as a statement that reads them would.
///
/// In PostgreSQL a domain counts as what it is made of, and an enumeration is given by its words, as a
/// JSON list. NULL where SQLite knows a column that no table declares.
///
/// Relies on: the catalogs' indexes.
pub(crate) fn read_declarations(
    job: &Job,
    columns: &[String],
    with_clock: bool,
) -> TypedStatement<Declarations> {
    let dialect = job.dialect;
    let now = if with_clock {
        dialect.rfc3339(dialect.now())
    } else {
        Expr::cust("NULL")
    };
    let mut select = Query::select();
    select
        .expr(text(now))
        .exprs((columns.iter()).map(|column| text(declaration(job, column))));
    if dialect != Dialect::Postgresql {
        // What is missing, or must not be read, is told by the database itself.
        let nothing = select_nothing(job, columns.iter().map(|column| source(column)));
        select.expr(flag(Expr::exists(nothing)));
    }
    Statement::build(&select, dialect).read_as(|row| Declarations {
        now: row.optional_text(),
        types: row.texts(),
    })
}

/// A column's declared type.
fn declaration(job: &Job, column: &str) -> Expr {
    let (schema, table) = (job.meta_table.schema(), job.meta_table.table());
    match job.dialect {
        Dialect::Postgresql => {
            // Together with a NULL, a domain becomes what it is made of.
            let value = Func::coalesce([source(column), Expr::cust("NULL")]);
            let value = Expr::from(SubQueryStatement::from(select_nothing(job, [value.into()])));
            Expr::cust_with_expr(
                "(SELECT COALESCE((\
                 SELECT CAST(json_agg(words.enumlabel ORDER BY words.enumsortorder) AS text) \
                 FROM pg_catalog.pg_enum AS words WHERE words.enumtypid = CAST(declared.type AS oid)), \
                 CAST(declared.type AS text)) FROM (SELECT pg_typeof(?) AS type) AS declared)",
                value,
            )
        }
        Dialect::Sqlite => Expr::cust_with_exprs(
            "(SELECT columns.type FROM pragma_table_xinfo(?, ?) AS columns \
             WHERE columns.name = ? COLLATE NOCASE)",
            [bind_text(table), bind_text(schema), bind_text(column)],
        ),
        Dialect::Mysql => of_column(job, "column_type", column),
    }
}

/// Selects this from the meta table, and no row.
pub(super) fn select_nothing(job: &Job, values: impl IntoIterator<Item = Expr>) -> SelectStatement {
    let mut nothing = Query::select();
    nothing
        .exprs(values)
        .from_as(job.meta_table.reference(), SOURCE)
        .only(Expr::cust("1 = 0"));
    nothing
}

/// A column of the meta table.
pub(super) fn source(column: &str) -> Expr {
    Expr::col((SOURCE, Alias::new(column)))
}
