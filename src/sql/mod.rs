//! Every SQL statement, each a function named after its purpose, built with sea-query.
//!
//! Two habits hold everywhere, so that a host maps five types and knows nothing of the schema:
//! every parameter is cast in the statement's text, and every selected column is cast to a type of
//! the boundary. Columns of the user's tables are always written with their table's alias: SQLite
//! takes a lone quoted name that is no column for a string.

mod condition;
mod dialect;
mod due;
pub(crate) mod fence;
pub(crate) mod fused_claim;
pub(crate) mod inventory;
pub(crate) mod item;
pub(crate) mod jobs;
pub(crate) mod meta;
pub(crate) mod metadata_locks;
pub(crate) mod notify;
mod pages;
pub(crate) mod schema;
pub(crate) mod source;
mod typed;
mod writer;

#[cfg(test)]
mod snapshots;

use sea_query::{
    ConditionalStatement, Expr, ExprTrait, LogicalChainOper, QueryStatementWriter, SelectStatement,
    Value as SqlValue, Values,
};

pub use self::pages::PAGE_BYTES;
pub(crate) use self::typed::TypedStatement;
use self::writer::Writer;
use crate::database::{Dialect, Value};
use crate::interface::Settle;
use crate::job::{Job, JobKey};

/// A statement with its parameters, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) parameters: Vec<Value>,
}

impl Statement {
    fn build(statement: &impl QueryStatementWriter, dialect: Dialect) -> Self {
        let (text, values) = statement.build(Writer(dialect));
        Self {
            text,
            parameters: parameters(values),
        }
    }
}

/// A statement that also tells whether it ran on a standby, which may be behind: rows of `is_standby`, 1 or 0,
/// and of its own columns. In PostgreSQL there is a row of NULLs where it finds none, so that this is told
/// even then. SQLite has no standby, and gives the rows as they are. See
/// [`of_primary`](crate::databases::of_primary).
///
/// Told by the very statement: behind a pooler that splits reads, another one may run elsewhere.
fn on_primary(select: &SelectStatement, dialect: Dialect) -> Statement {
    let mut statement = Statement::build(select, dialect);
    match dialect {
        Dialect::Postgresql => {
            statement.text = [
                "SELECT ",
                is_standby(dialect),
                ", found.* FROM (SELECT 1) AS server LEFT JOIN (",
                &statement.text,
                ") AS found ON TRUE ORDER BY 2",
            ]
            .concat();
        }
        Dialect::Mysql => {
            let columns = statement.text.strip_prefix("SELECT ").unwrap_or_default();
            statement.text = ["SELECT ", is_standby(dialect), ", ", columns].concat();
        }
        Dialect::Sqlite => {}
    }
    statement
}

/// Whether a server is a standby or a replica: 1, or 0. SQLite has none.
fn is_standby(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgresql => "CAST(CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS bigint)",
        Dialect::Sqlite => "0",
        Dialect::Mysql => "CAST(@@read_only OR @@innodb_read_only AS signed)",
    }
}

/// A statement on a meta table. That of a job that settles must run where its fence looked.
fn on_source(select: &SelectStatement, job: &Job) -> Statement {
    match job.settle {
        Settle::None => Statement::build(select, job.dialect),
        Settle::CommitOrder => on_primary(select, job.dialect),
    }
}

/// The parameters as boundary values. Only what the functions below and LIMIT bind can occur.
fn parameters(values: Values) -> Vec<Value> {
    values
        .into_iter()
        .map(|value| match value {
            SqlValue::Bool(Some(value)) => Value::Boolean(value),
            SqlValue::BigInt(Some(value)) => Value::Int64(value),
            SqlValue::BigUnsigned(Some(value)) => {
                Value::Int64(i64::try_from(value).unwrap_or(i64::MAX))
            }
            SqlValue::Double(Some(value)) => Value::Float64(value),
            SqlValue::String(Some(value)) => Value::Text(value),
            _ => Value::Null,
        })
        .collect()
}

/// Casts to `bigint`.
fn bigint(expression: impl Into<Expr>) -> Expr {
    expression.into().cast_as("bigint")
}

/// Casts to `double precision`.
fn double(expression: impl Into<Expr>) -> Expr {
    expression.into().cast_as("double precision")
}

/// Casts to `text`.
fn text(expression: impl Into<Expr>) -> Expr {
    expression.into().cast_as("text")
}

/// A bound integer.
fn bind_int(value: impl Into<Option<i64>>) -> Expr {
    bigint(Expr::val(value.into()))
}

/// A bound number.
fn bind_double(value: impl Into<Option<f64>>) -> Expr {
    double(Expr::val(value.into()))
}

/// A bound text.
fn bind_text<'a>(value: impl Into<Option<&'a str>>) -> Expr {
    text(Expr::val(value.into().map(str::to_owned)))
}

/// What MySQL tells of a column of the meta table.
fn of_column(job: &Job, what: &str, column: &str) -> Expr {
    let names = [job.meta_table.schema(), job.meta_table.table(), column];
    Expr::cust_with_exprs(
        format!(
            "(SELECT {what} FROM information_schema.columns \
             WHERE table_schema = ? AND table_name = ? AND column_name = ?)"
        ),
        names.map(bind_text),
    )
}

/// Whether a condition holds: 1, or 0 where it does not or is not known.
fn flag(condition: Expr) -> Expr {
    bigint(either(condition, Expr::cust("1"), Expr::cust("0")))
}

/// The value where the condition holds, the other one elsewhere.
fn either(condition: Expr, value: Expr, otherwise: Expr) -> Expr {
    Expr::cust_with_exprs(
        "(CASE WHEN (?) THEN ? ELSE ? END)",
        [condition, value, otherwise],
    )
}

/// The value where the condition holds, NULL elsewhere: for aggregates over some rows only.
fn when(condition: Expr, value: Expr) -> Expr {
    Expr::cust_with_exprs("(CASE WHEN (?) THEN ? END)", [condition, value])
}

/// Conditions of a statement, which all must hold. sea-query's own `and_where` would make the writer copy them,
/// with all that they are made of: that weighs twelve kilobytes, and costs time for each statement.
trait Conditions: ConditionalStatement {
    fn only(&mut self, condition: Expr) -> &mut Self {
        self.and_or_where(LogicalChainOper::And(condition))
    }

    /// Only rows of this job; `column` names a column of the table that they are in.
    fn only_job(&mut self, job: &JobKey, column: impl Fn(&'static str) -> Expr) -> &mut Self {
        self.only(column("meta_table").eq(bind_text(job.meta_table.as_str())))
            .only(column("job").eq(bind_text(job.job.as_str())))
    }

    fn only_option(&mut self, condition: Option<Expr>) -> &mut Self {
        match condition {
            Some(condition) => self.only(condition),
            None => self,
        }
    }
}

impl<S: ConditionalStatement> Conditions for S {}

/// Joins expressions by pairs, so that they make a low tree: SQLite refuses one of a thousand levels.
fn joined(mut expressions: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    while expressions.len() > 1 {
        let mut rest = expressions.into_iter();
        let mut pairs = Vec::new();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        expressions = pairs;
    }
    expressions.pop()
}

/// Columns of the table with this alias, each cast to a type. As one text: built of an expression
/// each, they would cost more than all the rest of a statement.
fn columns(dialect: Dialect, table: &str, columns: &[(&str, &str)]) -> Expr {
    let cast = |(column, type_name): &(&str, &str)| {
        let type_name = dialect.type_name(type_name);
        format!("CAST({table}.{column} AS {type_name})")
    };
    Expr::cust(columns.iter().map(cast).collect::<Vec<_>>().join(", "))
}

/// A name in quotes, for where no builder writes it.
fn quoted(name: &str, dialect: Dialect) -> String {
    let quote = char::from(dialect.quote());
    let mut quoted = String::from(quote);
    for character in name.chars() {
        quoted.extend((character == quote).then_some(quote));
        quoted.push(character);
    }
    quoted.push(quote);
    quoted
}
