//! Values of the boundary in MySQL.

use batchintory::{DatabaseError, Value};
use mysql_async::{Row, Value as MysqlValue};

/// A parameter. A truth value is 0 or 1.
pub(super) fn parameter(value: &Value) -> MysqlValue {
    match value {
        Value::Null => MysqlValue::NULL,
        Value::Boolean(value) => MysqlValue::Int((*value).into()),
        Value::Int64(value) => MysqlValue::Int(*value),
        Value::Float64(value) => MysqlValue::Double(*value),
        Value::Text(value) => MysqlValue::Bytes(value.clone().into_bytes()),
    }
}

/// A row.
pub(super) fn read(row: &Row) -> Result<Vec<Value>, DatabaseError> {
    (0..row.len())
        .map(|index| match row.as_ref(index) {
            None | Some(MysqlValue::NULL) => Ok(Value::Null),
            Some(MysqlValue::Int(value)) => Ok(Value::Int64(*value)),
            Some(MysqlValue::UInt(value)) => (i64::try_from(*value).map(Value::Int64))
                .map_err(|_| unreadable("an integer is too large: cast it to signed")),
            Some(MysqlValue::Float(value)) => Ok(Value::Float64((*value).into())),
            Some(MysqlValue::Double(value)) => Ok(Value::Float64(*value)),
            Some(MysqlValue::Bytes(bytes)) => (std::str::from_utf8(bytes))
                .map(|text| Value::Text(text.to_owned()))
                .map_err(|_| unreadable("a value is neither a number nor UTF-8 text")),
            Some(MysqlValue::Date(..) | MysqlValue::Time(..)) => {
                Err(unreadable("a point in time: cast it to char"))
            }
        })
        .collect()
}

fn unreadable(message: &str) -> DatabaseError {
    const INCORRECT_VALUE: &str = "1366";
    DatabaseError::refused(INCORRECT_VALUE, message)
}
