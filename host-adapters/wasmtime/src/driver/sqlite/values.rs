//! Values of the boundary in SQLite.

use batchintory::{DatabaseError, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, ffi};

/// A parameter.
pub(super) struct Parameter<'a>(pub(super) &'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Boolean(value) => ValueRef::Integer(i64::from(*value)),
            Value::Int64(value) => ValueRef::Integer(*value),
            Value::Float64(value) => ValueRef::Real(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

/// A selected value. A blob counts as text if it is.
pub(super) fn read(value: ValueRef<'_>) -> Result<Value, DatabaseError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int64(value),
        ValueRef::Real(value) => Value::Float64(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => {
                return Err(DatabaseError::refused(
                    ffi::SQLITE_MISMATCH.to_string(),
                    "a value is neither a number nor UTF-8 text",
                ));
            }
        },
    })
}
