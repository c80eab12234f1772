//! A meta table of files: its statements.
//!
//! A file's rows form a chain, as a job's ranges do: each says which row told of the file before, and a
//! unique index lets only one follow each. So of several processes that list a file's state at once one
//! inserts its row, and the others find it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use batchintory_wasmtime::batchintory::schema_and_table;
use batchintory_wasmtime::{Database, DatabaseError, Dialect, FailureKind, Rows, Value};
use sea_query::{
    BinOper, ColumnDef, Expr, ExprTrait, Func, Index, IndexCreateStatement, IntoTableRef,
    MysqlQueryBuilder, Order, PostgresQueryBuilder, Query, QueryStatementWriter,
    SqliteQueryBuilder, Table, TableRef, Value as SqlValue,
};

use crate::error::Failure;
use crate::files::File;

/// Files that one statement looks up or inserts at most.
pub const CHUNK: usize = 500;

/// How many characters of a path MySQL's index holds: almost as many as it may.
const INDEXED_CHARACTERS: u32 = 700;

/// Of a table's name, so many bytes are part of its index's name.
const MAX_INDEXED_NAME_BYTES: usize = 58;

/// What stands for a row that none came before.
const NO_ROW: i64 = 0;

/// How often a statement is repeated when other processes do the same at the same moment.
const MAX_ROUNDS: u32 = 50;

/// How long to wait before the first repetition; one step more before each further one.
const PAUSE: Duration = Duration::from_millis(2);

/// What the table last said of a file.
struct Listed {
    /// The row.
    uid: i64,
    /// The file as it was then; none where the row does not tell.
    file: Option<File>,
}

/// A meta table of files: `uid`, `item` (the path), `weight` (its size in bytes), `modified`, and `previous`
/// (the `uid` of the row that told of the file before, 0 for the first).
pub struct FileTable {
    database: Arc<dyn Database>,
    schema: String,
    table: String,
}

impl FileTable {
    /// The table `TABLE` or `SCHEMA.TABLE`, spelled as jobs name it.
    pub fn new(
        database: Arc<dyn Database>,
        name: &str,
        default_schema: Option<&str>,
    ) -> Result<Self, Failure> {
        let default_schema = default_schema.or_else(|| database.schema());
        let (schema, table) = schema_and_table(name, database.dialect(), default_schema)
            .map_err(|message| Failure::usage(format!("--table: {message}")))?;
        Ok(Self {
            database,
            schema,
            table,
        })
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
                // As text, but declared as what it is, which conditions go by.
                Dialect::Sqlite => ColumnDef::new("modified").custom("datetime").take(),
                Dialect::Mysql => ColumnDef::new("modified").custom("datetime(6)").take(),
            });
        table.col(ColumnDef::new("previous").big_integer());
        let mut index = Index::create();
        // PostgreSQL would cut a longer name off, and then it is that of the table.
        let mut name = self.table.clone();
        name.truncate(name.floor_char_boundary(MAX_INDEXED_NAME_BYTES));
        index.name(format!("{name}_item"));
        let follow = |index: &mut IndexCreateStatement| {
            (index.unique().if_not_exists())
                .col("item")
                .col("previous")
                .to_owned()
        };
        let statements = match self.database.dialect() {
            Dialect::Postgresql => vec![
                table.to_string(PostgresQueryBuilder),
                (follow(&mut index).table(self.reference())).to_string(PostgresQueryBuilder),
            ],
            Dialect::Sqlite => vec![
                table.to_string(SqliteQueryBuilder),
                (follow(&mut index).table(self.table.clone())).to_string(SqliteQueryBuilder),
            ],
            // Its indexes are made with the table, and take the beginnings of texts: what is unique is a
            // digest.
            Dialect::Mysql => {
                let digest = Expr::cust("UNHEX(SHA2(item, 256))");
                let mut follow = Index::create();
                follow.unique().name(format!("{}_previous", self.table));
                vec![
                    (table.col(
                        ColumnDef::new("item_digest")
                            .binary_len(32)
                            .generated(digest, true),
                    ))
                    .index(index.col(("item", INDEXED_CHARACTERS)))
                    .index(follow.col("item_digest").col("previous"))
                    .character_set("utf8mb4")
                    .collate("utf8mb4_bin")
                    .to_string(MysqlQueryBuilder),
                ]
            }
        };
        for statement in statements {
            let created = self.repeat(|| self.database.query(&statement, &[])).await;
            created.map_err(|error| self.failure(error))?;
        }
        Ok(())
    }

    /// Repeats what makes a thing that another process makes at the same moment.
    async fn repeat<F>(&self, mut statement: impl FnMut() -> F) -> Result<Rows, DatabaseError>
    where
        F: Future<Output = Result<Rows, DatabaseError>>,
    {
        let mut round = 0;
        loop {
            match statement().await {
                Err(error) if round < MAX_ROUNDS && self.is_race(&error) => {}
                answer => return answer,
            }
            round += 1;
            tokio::time::sleep(PAUSE * round).await;
        }
    }

    /// Lists those files that are new or changed, in this order. Returns the number of those.
    pub async fn list(&self, files: &[(&String, &File)]) -> Result<usize, Failure> {
        let mut latest = self.latest(files).await?;
        let mut new = changed(files, &latest);
        for round in 1..=MAX_ROUNDS {
            if new.is_empty() {
                return Ok(0);
            }
            match self.insert(&new, &latest).await {
                Ok(_) => return Ok(new.len()),
                Err(error) if self.is_race(&error) => {}
                Err(error) => return Err(self.failure(error)),
            }
            tokio::time::sleep(PAUSE * round).await;
            let before = std::mem::replace(&mut latest, self.latest(files).await?);
            new = changed(files, &latest);
            // Whoever listed a file meanwhile may have seen it after us.
            new.retain(
                |(path, file)| match (before.get(*path), latest.get(*path)) {
                    (before, Some(now)) if before.map(|row| row.uid) != Some(now.uid) => {
                        (now.file.as_ref()).is_none_or(|now| now.modified < file.modified)
                    }
                    _ => true,
                },
            );
        }
        Err(Failure::other(format!(
            "other processes list files in the table {:?} all the time; try again",
            self.table
        )))
    }

    /// Those of the files that are new or changed.
    pub async fn missing<'a>(
        &self,
        files: &[(&'a String, &'a File)],
    ) -> Result<Vec<(&'a String, &'a File)>, Failure> {
        Ok(changed(files, &self.latest(files).await?))
    }

    /// What the table last said of these files; those that it does not list are missing, as all are
    /// where there is no table yet.
    ///
    /// Relies on: the index on `item`.
    async fn latest(&self, files: &[(&String, &File)]) -> Result<HashMap<String, Listed>, Failure> {
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
            .expr(Expr::col("uid").cast_as(self.type_name("bigint")))
            .from(self.reference())
            .and_where(Expr::col("item").is_in(files.iter().map(|(path, _)| self.bind_text(path))))
            .order_by("uid", Order::Asc);
        let rows = match self.query(&select).await {
            Err(error) if self.kind(&error) == FailureKind::NoSuchTable => {
                return Ok(HashMap::new());
            }
            rows => rows.map_err(|error| self.failure(error))?,
        };
        let mut latest = HashMap::new();
        for row in rows.rows {
            let [Value::Text(path), size, modified, Value::Int64(uid)] = row.as_slice() else {
                continue;
            };
            let file = match (size, modified) {
                (Value::Int64(size), Value::Text(modified)) => Some(File {
                    size: u64::try_from(*size).unwrap_or(0),
                    modified: modified.clone(),
                }),
                _ => None,
            };
            // Later rows are about later states of the file.
            latest.insert(path.clone(), Listed { uid: *uid, file });
        }
        Ok(latest)
    }

    /// Inserts rows for files, in this order, all or none: a conflict tells that another process was faster.
    ///
    /// Relies on: the unique index on `item` and `previous`.
    async fn insert(
        &self,
        files: &[(&String, &File)],
        latest: &HashMap<String, Listed>,
    ) -> Result<Rows, DatabaseError> {
        let mut insert = Query::insert();
        insert
            .into_table(self.reference())
            .columns(["item", "weight", "modified", "previous"]);
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
            let previous = latest.get(*path).map_or(NO_ROW, |row| row.uid);
            let previous = Expr::val(previous).cast_as(self.type_name("bigint"));
            insert.values_panic([self.bind_text(path), size, modified, previous]);
        }
        self.query(&insert).await
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
                SqlValue::BigInt(Some(number)) => Value::Int64(number),
                _ => Value::Null,
            })
            .collect();
        self.database.query(&text, &parameters).await
    }

    fn failure(&self, error: DatabaseError) -> Failure {
        let message = error.into_message();
        Failure::other(format!(
            "the files cannot be listed in the table {:?}: {message}",
            self.table
        ))
        .hint("the table needs the columns uid, item, weight, modified and previous; name another by --table")
    }

    fn kind(&self, error: &DatabaseError) -> FailureKind {
        error.kind(self.database.dialect())
    }

    /// Whether another process did the same at the same moment, or keeps the table locked. PostgreSQL looks
    /// whether a table is there before it locks.
    fn is_race(&self, error: &DatabaseError) -> bool {
        matches!(
            self.kind(error),
            FailureKind::Conflict | FailureKind::Passing | FailureKind::IsMade
        )
    }
}

/// Those of the files of which the table last said something else, or nothing.
fn changed<'a>(
    files: &[(&'a String, &'a File)],
    latest: &HashMap<String, Listed>,
) -> Vec<(&'a String, &'a File)> {
    (files.iter().copied())
        .filter(|(path, file)| {
            latest
                .get(*path)
                .is_none_or(|row| row.file.as_ref() != Some(file))
        })
        .collect()
}
