//! Reading a row that a statement answered, column by column.

use crate::database::Value;
use crate::error::Error;

/// Reads a row from its first column on. A host is not trusted to answer in the agreed types: what is not of
/// its type is an error of the whole row, told once it is read, since an early return from each column would
/// weigh more than the reading.
pub(crate) struct RowReader {
    values: std::vec::IntoIter<Value>,
    /// The first error.
    error: Option<Error>,
}

impl RowReader {
    /// Reads a row.
    pub(crate) fn read<T>(row: Vec<Value>, read: impl FnOnce(&mut Self) -> T) -> Result<T, Error> {
        let mut columns = Self {
            values: row.into_iter(),
            error: None,
        };
        let read = read(&mut columns);
        match columns.error {
            None => Ok(read),
            Some(error) => Err(error),
        }
    }

    /// A column of type `bigint`.
    #[inline(never)]
    pub(crate) fn int(&mut self) -> i64 {
        let value = self.optional_int();
        self.not_null(value)
    }

    /// A column of type `bigint` that may be NULL.
    #[inline(never)]
    pub(crate) fn optional_int(&mut self) -> Option<i64> {
        match self.next() {
            Value::Null => None,
            Value::Int64(value) => Some(value),
            other => {
                self.refuse(type_name(&other));
                None
            }
        }
    }

    /// A count: a `bigint` of 0 or more.
    #[inline(never)]
    pub(crate) fn count(&mut self) -> u64 {
        u64::try_from(self.int()).unwrap_or_else(|_| {
            self.refuse("a negative count");
            0
        })
    }

    /// A column of type `bigint` that is 1, or 0 for no.
    pub(crate) fn flag(&mut self) -> bool {
        self.int() != 0
    }

    /// A column of type `double precision`; NULL is 0.
    #[inline(never)]
    pub(crate) fn double(&mut self) -> f64 {
        match self.next() {
            Value::Null => 0.0,
            Value::Float64(value) => value,
            // SQLite's drivers give whole numbers as integers now and then.
            #[allow(clippy::cast_precision_loss)]
            Value::Int64(value) => value as f64,
            other => {
                self.refuse(type_name(&other));
                0.0
            }
        }
    }

    /// A column of type `text`.
    #[inline(never)]
    pub(crate) fn text(&mut self) -> String {
        let value = self.optional_text();
        self.not_null(value)
    }

    /// A column of type `text` that may be NULL.
    #[inline(never)]
    pub(crate) fn optional_text(&mut self) -> Option<String> {
        match self.next() {
            Value::Null => None,
            Value::Text(value) => Some(value),
            other => {
                self.refuse(type_name(&other));
                None
            }
        }
    }

    /// The columns of type `text` that come next, up to one of another type or the end.
    pub(crate) fn texts(&mut self) -> Vec<Option<String>> {
        let mut texts = Vec::new();
        while let Some(Value::Null | Value::Text(_)) = self.values.as_slice().first() {
            texts.push(self.optional_text());
        }
        texts
    }

    /// Passes columns by.
    pub(crate) fn skip(&mut self, columns: u32) {
        for _ in 0..columns {
            self.next();
        }
    }

    fn next(&mut self) -> Value {
        self.values.next().unwrap_or_else(|| {
            self.refuse("too few columns");
            Value::Null
        })
    }

    /// The value; NULL, and what was refused, is an error and whatever stands for a value.
    fn not_null<T: Default>(&mut self, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.refuse("NULL");
            T::default()
        })
    }

    /// Tells of the first column that is not as agreed.
    fn refuse(&mut self, what: &str) {
        self.error.get_or_insert_with(|| unexpected(what));
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Boolean(_) => "a boolean",
        Value::Int64(_) => "an integer",
        Value::Float64(_) => "a number",
        Value::Text(_) => "text",
    }
}

/// What to say of an answer that no database gives.
pub(crate) fn unexpected(what: &str) -> Error {
    Error::database(format!(
        "the database or its driver answered with {what} where something else was asked for; the \
         driver does not keep to the interface"
    ))
}
