//! A meta table of files: its statements.

use std::collections::HashMap;
use std::sync::Arc;

use batchintory_wasmtime::{Database, DatabaseError, Dialect, Refusal, Rows, Value};
use sea_query::{
    BinOper, ColumnDef, Expr, ExprTrait, Func, Index, IntoTableRef, MysqlQueryBuilder, Order,
    PostgresQueryBuilder, Query, QueryStatementWriter, SqliteQueryBuilder, Table, TableRef,
    Value as SqlValue,
};

use crate::error::Failure;
use crate::files::File;

/// Files that one statement looks up or inserts at most.
pub const CHUNK: usize = 500;

/// How many characters of a path MySQL's index holds: almost as many as it may.
const INDEXED_CHARACTERS: u32 = 700;

/// A meta table of files: `uid`, `item` (the path), `weight` (its size in bytes), `modified`.
pub struct FileTable {
    database: Arc<dyn Database>,
    schema: String,
    table: String,
}

impl FileTable {
    /// The table `TABLE` or `SCHEMA.TABLE`.
    pub fn new(database: Arc<dyn Database>, name: &str, default_schema: Option<&str>) -> Self {
        let (schema, table) = match name.split_once('.') {
            Some((schema, table)) => (schema, table),
            None => {
                let own = match database.dialect() {
                    Dialect::Postgresql => "public",
                    Dialect::Sqlite => "main",
                    Dialect::Mysql => database.schema().unwrap_or_default(),
                };
                (default_schema.unwrap_or(own), name)
            }
        };
        let (schema, table) = (schema.to_owned(), table.to_owned());
        Self {
            database,
            schema,
            table,
        }
    }

    /// Makes the table and the index by which paths are looked up, where they are missing.
    pub async fn create(&self) -> Result<(), Failure> {
        let mut uid = ColumnDef::new("uid");
        let mut table = Table::create();
        table
            .if_not_exists()
            .table(self.reference())
            .col(uid.big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new("item").text().not_null())
            .col(ColumnDef::new("weight").double())
            .col(match self.database.dialect() {
                Dialect::Postgresql => ColumnDef::new("modified").timestamp_with_time_zone().take(),
                Dialect::Sqlite => ColumnDef::new("modified").text().take(),
                Dialect::Mysql => ColumnDef::new("modified").custom("datetime(6)").take(),
            });
        let mut index = Index::create();
        index.name(format!("{}_item", self.table));
        let statements = match self.database.dialect() {
            Dialect::Postgresql => vec![
                table.to_string(PostgresQueryBuilder),
                (index.if_not_exists().col("item"))
                    .table(self.reference())
                    .to_string(PostgresQueryBuilder),
            ],
            Dialect::Sqlite => vec![
                table.to_string(SqliteQueryBuilder),
                (index.if_not_exists().col("item"))
                    .table(self.table.clone())
                    .to_string(SqliteQueryBuilder),
            ],
            // Its indexes are made with the table, and take the beginnings of texts.
            Dialect::Mysql => vec![
                (table.index(index.col(("item", INDEXED_CHARACTERS))))
                    .character_set("utf8mb4")
                    .collate("utf8mb4_bin")
                    .to_string(MysqlQueryBuilder),
            ],
        };
        for statement in statements {
            let created = self.database.query(&statement, &[]).await;
            created.map_err(|error| self.failure(error))?;
        }
        Ok(())
    }

    /// What the table last said of these paths; those that it does not list are missing, as all are
    /// where there is no table yet.
    ///
    /// Relies on: the index on `item`.
    pub async fn latest(&self, paths: &[&String]) -> Result<HashMap<String, File>, Failure> {
        let modified = match self.database.dialect() {
            Dialect::Postgresql => Func::cust("to_char")
                .arg(
                    Expr::col("modified")
                        .binary(BinOper::Custom("AT TIME ZONE"), Expr::cust("'UTC'")),
                )
                .arg(Expr::cust(r#"'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"#))
                .into(),
            Dialect::Sqlite => Expr::col("modified"),
            Dialect::Mysql => Func::cust("date_format")
                .arg(Expr::col("modified"))
                .arg(Expr::cust("'%Y-%m-%dT%H:%i:%s.%fZ'"))
                .into(),
        };
        let mut select = Query::select();
        select
            .expr(Expr::col("item").cast_as(self.type_name("text")))
            .expr(Expr::col("weight").cast_as(self.type_name("bigint")))
            .expr(modified.cast_as(self.type_name("text")))
            .from(self.reference())
            .and_where(Expr::col("item").is_in(paths.iter().map(|path| self.bind_text(path))))
            .order_by("uid", Order::Asc);
        let rows = match self.query(&select).await {
            Err(DatabaseError::Failed(error)) if error.refusal == Refusal::NoSuchTable => {
                return Ok(HashMap::new());
            }
            rows => rows.map_err(|error| self.failure(error))?,
        };
        let mut latest = HashMap::new();
        for row in rows.rows {
            if let [Value::Text(path), Value::Int64(size), Value::Text(modified)] = row.as_slice() {
                let file = File {
                    size: u64::try_from(*size).unwrap_or(0),
                    modified: modified.clone(),
                };
                // Later rows are about later states of the file.
                latest.insert(path.clone(), file);
            }
        }
        Ok(latest)
    }

    /// Lists files, in this order.
    pub async fn insert(&self, files: &[(&String, &File)]) -> Result<(), Failure> {
        let mut insert = Query::insert();
        insert
            .into_table(self.reference())
            .columns(["item", "weight", "modified"]);
        for (path, file) in files {
            let modified = match self.database.dialect() {
                Dialect::Postgresql => {
                    (self.bind_text(&file.modified)).cast_as("timestamp with time zone")
                }
                Dialect::Sqlite => self.bind_text(&file.modified),
                // Its session is in UTC, and it takes no mark of it.
                Dialect::Mysql => self.bind_text(file.modified.trim_end_matches('Z')),
            };
            #[allow(clippy::cast_precision_loss)]
            let size = Expr::val(file.size as f64).cast_as(self.type_name("double precision"));
            insert.values_panic([self.bind_text(path), size, modified]);
        }
        let inserted = self.query(&insert).await;
        inserted.map_err(|error| self.failure(error))?;
        Ok(())
    }

    fn reference(&self) -> TableRef {
        (self.schema.clone(), self.table.clone()).into_table_ref()
    }

    fn bind_text(&self, text: &str) -> Expr {
        match self.database.dialect() {
            Dialect::Postgresql | Dialect::Sqlite => Expr::val(text).cast_as("text"),
            // A cast would give it a collation of its own, which may not go with the column's.
            Dialect::Mysql => Expr::val(text),
        }
    }

    /// What a type of PostgreSQL is called in a cast; SQLite takes any name.
    fn type_name(&self, name: &'static str) -> &'static str {
        match (self.database.dialect(), name) {
            (Dialect::Mysql, "text") => "char",
            (Dialect::Mysql, "bigint") => "signed",
            (Dialect::Mysql, "double precision") => "double",
            _ => name,
        }
    }

    async fn query(&self, statement: &impl QueryStatementWriter) -> Result<Rows, DatabaseError> {
        let (text, values) = match self.database.dialect() {
            Dialect::Postgresql => statement.build(PostgresQueryBuilder),
            Dialect::Sqlite => statement.build(SqliteQueryBuilder),
            Dialect::Mysql => statement.build(MysqlQueryBuilder),
        };
        let parameters: Vec<Value> = (values.into_iter())
            .map(|value| match value {
                SqlValue::String(Some(text)) => Value::Text(text),
                SqlValue::Double(Some(number)) => Value::Float64(number),
                _ => Value::Null,
            })
            .collect();
        self.database.query(&text, &parameters).await
    }

    fn failure(&self, error: DatabaseError) -> Failure {
        let message = match error {
            DatabaseError::Unavailable(message)
            | DatabaseError::OutcomeUnknown(message)
            | DatabaseError::Conflict(message)
            | DatabaseError::Retryable(message) => message,
            DatabaseError::Failed(error) => error.message,
        };
        Failure::other(format!(
            "the files cannot be listed in the table {:?}: {message}",
            self.table
        ))
        .hint("the table needs the columns uid, item, weight and modified; name another by --table")
    }
}
