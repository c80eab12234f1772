//! Values of the boundary in PostgreSQL.

use batchintory::{DatabaseError, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

/// A parameter.
#[derive(Debug)]
pub(crate) struct Parameter<'a>(pub(crate) &'a Value);

type Failure = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Parameter<'_> {
    fn to_sql(&self, sql_type: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Boolean(value) => value.to_sql(sql_type, out),
            Value::Int64(value) => value.to_sql(sql_type, out),
            Value::Float64(value) => value.to_sql(sql_type, out),
            Value::Text(value) => value.to_sql(sql_type, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The type under which a parameter is sent. NULL is cast by the statement.
pub(crate) fn type_of(value: &Value) -> Type {
    match value {
        Value::Boolean(_) => Type::BOOL,
        Value::Int64(_) => Type::INT8,
        Value::Float64(_) => Type::FLOAT8,
        Value::Null | Value::Text(_) => Type::TEXT,
    }
}

/// A row.
pub(crate) fn read(row: &Row) -> Result<Vec<Value>, DatabaseError> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(index, column)| match *column.type_() {
            Type::BOOL => get(row, index, Value::Boolean),
            Type::INT2 => get(row, index, |value: i16| Value::Int64(value.into())),
            Type::INT4 => get(row, index, |value: i32| Value::Int64(value.into())),
            Type::INT8 => get(row, index, Value::Int64),
            Type::FLOAT4 => get(row, index, |value: f32| Value::Float64(value.into())),
            Type::FLOAT8 => get(row, index, Value::Float64),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                get(row, index, Value::Text)
            }
            ref other => Err(unreadable(format!(
                "the column {:?} has the type {other}; cast it to bigint, double precision, text or boolean",
                column.name()
            ))),
        })
        .collect()
}

fn get<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    wrap: fn(T) -> Value,
) -> Result<Value, DatabaseError> {
    match row.try_get::<_, Option<T>>(index) {
        Ok(value) => Ok(value.map_or(Value::Null, wrap)),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

fn unreadable(message: String) -> DatabaseError {
    const DATATYPE_MISMATCH: &str = "42804";
    DatabaseError::refused(DATATYPE_MISMATCH, message)
}
