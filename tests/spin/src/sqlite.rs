//! `spin:sqlite`, by rusqlite; as in Spin itself, statements run in threads of their own.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{Value as Stored, ValueRef};
use wasmtime::component::Resource;

use crate::host::Imports;
use crate::host::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, QueryResult, RowResult, Value,
};

/// A connection to a file.
pub struct Connection(Arc<Mutex<rusqlite::Connection>>);

impl Connection {
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> T + Send + 'static,
    ) -> wasmtime::Result<T> {
        let connection = self.0.clone();
        let work = move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(tokio::task::spawn_blocking(work).await?)
    }
}

impl Host for Imports {}

impl HostConnection for Imports {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        if database != "default" {
            return Ok(Err(Error::NoSuchDatabase));
        }
        if !self.application.sqlite_databases.contains(&database) {
            return Ok(Err(Error::AccessDenied));
        }
        match rusqlite::Connection::open(&self.application.sqlite) {
            Ok(connection) => {
                let kept = self.keep(Connection(Arc::new(Mutex::new(connection))))?;
                Ok(kept.ok_or_else(|| Error::Io("too many connections opened".into())))
            }
            Err(error) => Ok(Err(Error::Io(error.to_string()))),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.table.get(&connection)?;
        let answer = connection
            .with(move |connection| execute(connection, &statement, parameters))
            .await?;
        Ok(answer.map_err(|error| Error::Io(error.to_string())))
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let connection = self.table.get(&connection)?;
        connection.with(|it| it.last_insert_rowid()).await
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        let connection = self.table.get(&connection)?;
        connection.with(|it| it.changes()).await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.end(connection)
    }
}

fn execute(
    connection: &rusqlite::Connection,
    statement: &str,
    parameters: Vec<Value>,
) -> rusqlite::Result<QueryResult> {
    let mut prepared = connection.prepare(statement)?;
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let parameters = parameters.into_iter().map(|value| match value {
        Value::Integer(value) => Stored::Integer(value),
        Value::Real(value) => Stored::Real(value),
        Value::Text(value) => Stored::Text(value),
        Value::Blob(value) => Stored::Blob(value),
        Value::Null => Stored::Null,
    });
    let rows = prepared
        .query_map(rusqlite::params_from_iter(parameters), |row| {
            let values = (0..columns.len())
                .map(|index| {
                    Ok(match row.get_ref(index)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(value) => Value::Integer(value),
                        ValueRef::Real(value) => Value::Real(value),
                        ValueRef::Text(value) => {
                            Value::Text(String::from_utf8_lossy(value).into_owned())
                        }
                        ValueRef::Blob(value) => Value::Blob(value.to_vec()),
                    })
                })
                .collect::<rusqlite::Result<_>>()?;
            Ok(RowResult { values })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(QueryResult { columns, rows })
}
