//! `spin:postgres`, by tokio-postgres, as Spin itself does it: statements are prepared, and the
//! server says of which type each parameter is.
//!
//! Spin 4.0.0 to 4.0.2 never answer a query that gives no rows, since they wait for the columns of
//! its first one ([issue 3671](https://github.com/spinframework/spin/issues/3671)). A test must not
//! wait for ever, so such a query ends its request here.

// The error's type is the interface's.
#![allow(clippy::result_large_err)]

use tokio_postgres::config::Host;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Row};
use wasmtime::component::Resource;

use crate::host::bindings::spin::postgres::postgres::{
    self, Column, DbDataType, DbError, DbValue, Error, HostConnection, ParameterValue, QueryError,
    RowSet,
};
use crate::host::{Imports, refuse};

/// A connection to a server.
pub struct Connection(Client);

impl Connection {
    async fn query(&self, statement: &str, params: Vec<ParameterValue>) -> Result<RowSet, Error> {
        let parameters = parameters(params)?;
        let answer = self.0.query(statement, &borrowed(&parameters)).await;
        read_all(&answer.map_err(|error| explain(&error))?)
    }

    async fn execute(&self, statement: &str, params: Vec<ParameterValue>) -> Result<u64, Error> {
        let parameters = parameters(params)?;
        let answer = self.0.execute(statement, &borrowed(&parameters)).await;
        answer.map_err(|error| explain(&error))
    }
}

impl postgres::Host for Imports {}

impl HostConnection for Imports {
    async fn open(
        &mut self,
        address: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let client = match connect(&address, &self.application.allowed_hosts).await {
            Ok(client) => client,
            Err(words) => return Ok(Err(Error::ConnectionFailed(words))),
        };
        let kept = self.keep(Connection(client))?;
        Ok(kept.ok_or_else(|| Error::ConnectionFailed("too many connections".into())))
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<RowSet, Error>> {
        let answer = self.table.get(&connection)?.query(&statement, params).await;
        if answer.as_ref().is_ok_and(|found| found.rows.is_empty()) {
            return Err(refuse(format!(
                "Spin 4.0.2 would never answer this query, which has no row: {statement}"
            )));
        }
        Ok(answer)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        Ok(self
            .table
            .get(&connection)?
            .execute(&statement, params)
            .await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.end(connection)
    }
}

/// Connects where the manifest allows it, or tells why not.
async fn connect(address: &str, allowed: &[String]) -> Result<Client, String> {
    let config: Config = address.parse().map_err(|error| format!("{error:?}"))?;
    for place in places(&config) {
        if !allowed.contains(&format!("postgres://{place}")) {
            return Err(format!("address postgres://{place} is not permitted"));
        }
    }
    let (client, connection) =
        (config.connect(NoTls).await).map_err(|error| format!("{error:?}"))?;
    tokio::spawn(connection);
    Ok(client)
}

/// Where a connection would go to, each as `host:port`.
fn places(config: &Config) -> Vec<String> {
    let ports = config.get_ports();
    (config.get_hosts().iter().enumerate())
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => format!("{}", path.display()),
            }
        })
        .collect()
}

type Parameter = Box<dyn ToSql + Send + Sync>;

fn parameters(params: Vec<ParameterValue>) -> Result<Vec<Parameter>, Error> {
    (params.into_iter())
        .map(|value| {
            Ok(match value {
                ParameterValue::Boolean(value) => Box::new(value) as Parameter,
                ParameterValue::Int64(value) => Box::new(value),
                ParameterValue::Floating64(value) => Box::new(value),
                ParameterValue::Str(value) => Box::new(value),
                ParameterValue::DbNull => Box::new(Null),
                _ => return Err(Error::BadParameter("a type that no test needs".into())),
            })
        })
        .collect()
}

fn borrowed(parameters: &[Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|it| it.as_ref() as _).collect()
}

/// NULL of any type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn read_all(rows: &[Row]) -> Result<RowSet, Error> {
    let columns = rows.first().map_or(&[][..], |row| row.columns());
    Ok(RowSet {
        columns: (columns.iter())
            .map(|column| Column {
                name: column.name().to_owned(),
                data_type: data_type(column.type_()),
            })
            .collect(),
        rows: rows.iter().map(read).collect::<Result<_, _>>()?,
    })
}

fn data_type(sql_type: &Type) -> DbDataType {
    match *sql_type {
        Type::BOOL => DbDataType::Boolean,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        ref other => DbDataType::Other(other.name().to_owned()),
    }
}

fn read(row: &Row) -> Result<Vec<DbValue>, Error> {
    let convert = |error: tokio_postgres::Error| Error::ValueConversionFailed(error.to_string());
    (row.columns().iter().enumerate())
        .map(|(index, column)| {
            let value = match *column.type_() {
                Type::BOOL => row
                    .try_get::<_, Option<bool>>(index)
                    .map(|it| it.map(DbValue::Boolean)),
                Type::INT2 => row
                    .try_get::<_, Option<i16>>(index)
                    .map(|it| it.map(DbValue::Int16)),
                Type::INT4 => row
                    .try_get::<_, Option<i32>>(index)
                    .map(|it| it.map(DbValue::Int32)),
                Type::INT8 => row
                    .try_get::<_, Option<i64>>(index)
                    .map(|it| it.map(DbValue::Int64)),
                Type::FLOAT4 => row
                    .try_get::<_, Option<f32>>(index)
                    .map(|it| it.map(DbValue::Floating32)),
                Type::FLOAT8 => row
                    .try_get::<_, Option<f64>>(index)
                    .map(|it| it.map(DbValue::Floating64)),
                Type::TEXT | Type::VARCHAR | Type::BPCHAR => row
                    .try_get::<_, Option<String>>(index)
                    .map(|it| it.map(DbValue::Str)),
                _ => Ok(Some(DbValue::Unsupported(Vec::new()))),
            };
            Ok(value.map_err(convert)?.unwrap_or(DbValue::DbNull))
        })
        .collect()
}

fn explain(error: &tokio_postgres::Error) -> Error {
    let Some(refused) = error.as_db_error() else {
        return Error::QueryFailed(QueryError::Text(format!("{error:?}")));
    };
    Error::QueryFailed(QueryError::DbError(DbError {
        as_text: refused.to_string(),
        severity: refused.severity().to_owned(),
        code: refused.code().code().to_owned(),
        message: refused.message().to_owned(),
        detail: refused.detail().map(str::to_owned),
        extras: Vec::new(),
    }))
}
