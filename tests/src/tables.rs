//! Meta tables for tests.

use std::fmt::Write;

use anyhow::{Context, Result, anyhow, bail};
use batchintory::{Dialect, Value as SqlValue};
use batchintory_wasmtime::Database;
use serde::Deserialize;
use serde_json::Value;

/// Rows that one statement inserts at most; SQLite allows some 32,000 parameters.
const ROWS_PER_STATEMENT: usize = 1_000;

/// A table to make, with its first rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name; in PostgreSQL it may have a schema, which is then made too.
    pub name: TableId,
    /// Its columns by name and type: `integer`, `double`, `text`, `boolean` or `timestamp`. The
    /// first is the primary key if it is an integer.
    pub columns: Vec<(String, ColumnType)>,
    /// Its rows.
    #[serde(default)]
    pub rows: Vec<Vec<Value>>,
    /// Rows with consecutive ids.
    #[serde(default)]
    pub series: Option<Series>,
}

/// A table's name, in parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum TableId {
    /// Only a table.
    Table(String),
    /// A schema and a table.
    SchemaAndTable(String, String),
}

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// 64 bit integer.
    Integer,
    /// Double precision.
    Double,
    /// Text.
    Text,
    /// Truth value.
    Boolean,
    /// Point in time, given as `{"seconds_ago": 10}`.
    Timestamp,
}

/// Rows with consecutive ids, an item named after the id, and one weight.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The first id.
    pub from: i64,
    /// The last id.
    pub to: i64,
    /// The weight of each.
    pub weight: f64,
}

impl TableId {
    /// The name in SQL.
    pub fn quoted(&self, dialect: Dialect) -> String {
        let quote = |name| quote(name, dialect);
        match self {
            Self::Table(table) => quote(table),
            Self::SchemaAndTable(schema, table) => format!("{}.{}", quote(schema), quote(table)),
        }
    }
}

impl Table {
    /// A usual meta table: `uid`, `item`, `weight`.
    pub fn files(rows: Vec<Vec<Value>>) -> Self {
        Self {
            name: TableId::Table("files".into()),
            columns: vec![
                ("uid".into(), ColumnType::Integer),
                ("item".into(), ColumnType::Text),
                ("weight".into(), ColumnType::Double),
            ],
            rows,
            series: None,
        }
    }

    /// A usual meta table with so many rows, of ids from 1 on and a weight of 1 each.
    pub fn of_items(count: i64) -> Self {
        Self {
            series: Some(Series {
                from: 1,
                to: count,
                weight: 1.0,
            }),
            ..Self::files(Vec::new())
        }
    }

    /// Makes the table and puts its rows in.
    pub async fn create(&self, database: &dyn Database) -> Result<()> {
        let dialect = database.dialect();
        if let (TableId::SchemaAndTable(schema, _), Dialect::Postgresql) = (&self.name, dialect) {
            let schema = quote(schema, dialect);
            execute(
                database,
                &format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
                &[],
            )
            .await?;
        }
        let columns: Vec<String> = (self.columns.iter().enumerate())
            .map(|(index, (name, column_type))| {
                let key = index == 0 && *column_type == ColumnType::Integer;
                let constraint = if key { " PRIMARY KEY" } else { "" };
                format!(
                    "{} {}{constraint}",
                    quote(name, dialect),
                    column_type.sql(dialect)
                )
            })
            .collect();
        let name = self.name.quoted(dialect);
        execute(
            database,
            &format!("CREATE TABLE {name} ({})", columns.join(", ")),
            &[],
        )
        .await?;
        self.insert(database, &self.rows).await?;
        if let Some(series) = self.series {
            let rows: Vec<Vec<Value>> = (series.from..=series.to)
                .map(|uid| {
                    vec![
                        uid.into(),
                        format!("item-{uid}").into(),
                        series.weight.into(),
                    ]
                })
                .collect();
            self.insert(database, &rows).await?;
        }
        Ok(())
    }

    /// Puts rows in.
    pub async fn insert(&self, database: &dyn Database, rows: &[Vec<Value>]) -> Result<()> {
        let dialect = database.dialect();
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let mut statement = format!("INSERT INTO {} VALUES ", self.name.quoted(dialect));
            let mut parameters = Vec::new();
            for (index, row) in rows.iter().enumerate() {
                let mut values = Vec::new();
                for (value, (_, column_type)) in row.iter().zip(&self.columns) {
                    let (sql, parameter) =
                        column_type.value(value, parameters.len() + 1, dialect)?;
                    values.push(sql);
                    parameters.extend(parameter);
                }
                let separator = if index == 0 { "" } else { ", " };
                write!(statement, "{separator}({})", values.join(", "))?;
            }
            execute(database, &statement, &parameters).await?;
        }
        Ok(())
    }
}

impl ColumnType {
    fn sql(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Integer, Dialect::Postgresql | Dialect::Mysql) => "bigint",
            (Self::Integer | Self::Boolean, Dialect::Sqlite) => "INTEGER",
            (Self::Double, Dialect::Postgresql | Dialect::Mysql) => "double precision",
            (Self::Double, Dialect::Sqlite) => "REAL",
            (Self::Text, _) => "text",
            (Self::Boolean, Dialect::Postgresql | Dialect::Mysql) => "boolean",
            (Self::Timestamp, Dialect::Postgresql) => "timestamp with time zone",
            (Self::Timestamp, Dialect::Sqlite) => "datetime",
            (Self::Timestamp, Dialect::Mysql) => "datetime(6)",
        }
    }

    /// The type as a cast spells it.
    fn cast(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Integer | Self::Boolean, Dialect::Mysql) => "signed",
            (Self::Double, Dialect::Mysql) => "double",
            (Self::Text, Dialect::Mysql) => "char",
            _ => self.sql(dialect),
        }
    }

    /// A value in SQL, with its parameter if it has one.
    fn value(
        self,
        value: &Value,
        number: usize,
        dialect: Dialect,
    ) -> Result<(String, Option<SqlValue>)> {
        let placeholder = match dialect {
            Dialect::Postgresql => format!("${number}"),
            Dialect::Sqlite | Dialect::Mysql => "?".into(),
        };
        if let Value::Object(object) = value {
            let seconds = object
                .get("seconds_ago")
                .and_then(Value::as_i64)
                .context("a timestamp is {\"seconds_ago\": …}")?;
            let sql = match dialect {
                Dialect::Postgresql => format!("now() - interval '{seconds} seconds'"),
                Dialect::Sqlite => format!("datetime('now', '-{seconds} seconds')"),
                Dialect::Mysql => format!("UTC_TIMESTAMP(6) - INTERVAL {seconds} SECOND"),
            };
            return Ok((sql, None));
        }
        let parameter = match (self, value) {
            (_, Value::Null) => return Ok(("NULL".into(), None)),
            (Self::Integer, Value::Number(number)) => {
                SqlValue::Int64(number.as_i64().context("not an integer")?)
            }
            (Self::Double, Value::Number(number)) => {
                SqlValue::Float64(number.as_f64().context("not a number")?)
            }
            (Self::Boolean, Value::Bool(boolean)) => match dialect {
                Dialect::Postgresql => SqlValue::Boolean(*boolean),
                Dialect::Sqlite | Dialect::Mysql => SqlValue::Int64(i64::from(*boolean)),
            },
            (_, Value::String(text)) => SqlValue::Text(text.clone()),
            (column_type, value) => bail!("{value} does not fit {column_type:?}"),
        };
        let cast = match (self, &parameter) {
            (_, SqlValue::Text(_)) => Self::Text.cast(dialect),
            (column_type, _) => column_type.cast(dialect),
        };
        let sql = format!("CAST({placeholder} AS {cast})");
        let sql = match (self, &parameter, dialect) {
            // 'NaN' and the like.
            (Self::Double, SqlValue::Text(_), Dialect::Postgresql) => {
                format!("CAST({sql} AS double precision)")
            }
            _ => sql,
        };
        Ok((sql, Some(parameter)))
    }
}

/// Runs a statement of the test's own.
pub async fn execute(
    database: &dyn Database,
    statement: &str,
    parameters: &[SqlValue],
) -> Result<()> {
    database
        .query(statement, parameters)
        .await
        .map(|_| ())
        .map_err(|error| anyhow!("{statement}: {error:?}"))
}

fn quote(name: &str, dialect: Dialect) -> String {
    let quote = match dialect {
        Dialect::Postgresql | Dialect::Sqlite => "\"",
        Dialect::Mysql => "`",
    };
    format!("{quote}{}{quote}", name.replace(quote, &quote.repeat(2)))
}
