//! Reading what a statement answered, column by column.

use crate::database::{Rows, Value};
use crate::error::Error;

/// Reads a row from its first column on. A host is not trusted to answer in the agreed types.
pub(crate) struct RowReader {
    values: std::vec::IntoIter<Value>,
}

impl RowReader {
    /// The only row.
    pub(crate) fn only(rows: Rows) -> Result<Self, Error> {
        Self::first(rows)?.ok_or_else(|| Error::database("the host gave no row"))
    }

    /// The first row, if there is one.
    pub(crate) fn first(rows: Rows) -> Result<Option<Self>, Error> {
        Ok(Self::all(rows).next())
    }

    /// All rows.
    pub(crate) fn all(rows: Rows) -> impl Iterator<Item = Self> {
        rows.rows.into_iter().map(|row| Self {
            values: row.into_iter(),
        })
    }

    /// A column of type `bigint`.
    pub(crate) fn int(&mut self) -> Result<i64, Error> {
        self.optional_int()?.ok_or_else(|| unexpected("NULL"))
    }

    /// A column of type `bigint` that may be NULL.
    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>, Error> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Int64(value) => Ok(Some(value)),
            other => Err(unexpected(type_name(&other))),
        }
    }

    /// A count: a `bigint` of 0 or more.
    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        u64::try_from(self.int()?).map_err(|_| unexpected("a negative count"))
    }

    /// A column of type `double precision`; NULL is 0.
    pub(crate) fn double(&mut self) -> Result<f64, Error> {
        match self.next()? {
            Value::Null => Ok(0.0),
            Value::Float64(value) => Ok(value),
            // SQLite's drivers give whole numbers as integers now and then.
            #[allow(clippy::cast_precision_loss)]
            Value::Int64(value) => Ok(value as f64),
            other => Err(unexpected(type_name(&other))),
        }
    }

    /// A column of type `text`.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        self.optional_text()?.ok_or_else(|| unexpected("NULL"))
    }

    /// A column of type `text` that may be NULL.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, Error> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            other => Err(unexpected(type_name(&other))),
        }
    }

    /// Many columns at once. What is not of its type is an error of the whole, told once they are read: an
    /// early return from each column would weigh more than the reading.
    pub(crate) fn read<T>(mut self, read: impl FnOnce(&mut Columns<'_>) -> T) -> Result<T, Error> {
        let mut columns = Columns {
            row: &mut self,
            error: None,
        };
        let read = read(&mut columns);
        match columns.error {
            None => Ok(read),
            Some(error) => Err(error),
        }
    }

    /// Passes columns by.
    pub(crate) fn skip(&mut self, columns: u32) -> Result<(), Error> {
        (0..columns).try_for_each(|_| self.next().map(drop))
    }

    fn next(&mut self) -> Result<Value, Error> {
        self.values
            .next()
            .ok_or_else(|| unexpected("too few columns"))
    }
}

/// The columns of a row, see [`RowReader::read`].
pub(crate) struct Columns<'a> {
    row: &'a mut RowReader,
    error: Option<Error>,
}

impl Columns<'_> {
    #[inline(never)]
    pub(crate) fn int(&mut self) -> i64 {
        let value = self.row.int();
        self.sound(value)
    }

    #[inline(never)]
    pub(crate) fn optional_int(&mut self) -> Option<i64> {
        let value = self.row.optional_int();
        self.sound(value)
    }

    #[inline(never)]
    pub(crate) fn count(&mut self) -> u64 {
        let value = self.row.count();
        self.sound(value)
    }

    #[inline(never)]
    pub(crate) fn double(&mut self) -> f64 {
        let value = self.row.double();
        self.sound(value)
    }

    #[inline(never)]
    pub(crate) fn text(&mut self) -> String {
        let value = self.row.text();
        self.sound(value)
    }

    #[inline(never)]
    pub(crate) fn optional_text(&mut self) -> Option<String> {
        let value = self.row.optional_text();
        self.sound(value)
    }

    /// The columns of type `text` that come next, up to one of another type or the end.
    pub(crate) fn texts(&mut self) -> Vec<Option<String>> {
        let mut texts = Vec::new();
        loop {
            match self.row.values.as_slice().first() {
                Some(Value::Null | Value::Text(_)) => texts.push(self.optional_text()),
                _ => return texts,
            }
        }
    }

    /// A column of type `bigint` that is 1, or 0 for no.
    pub(crate) fn flag(&mut self) -> bool {
        self.int() != 0
    }

    /// Passes columns by.
    pub(crate) fn skip(&mut self, columns: u32) {
        let skipped = self.row.skip(columns);
        self.sound(skipped);
    }

    /// The value, or the first error and whatever stands for a value.
    fn sound<T: Default>(&mut self, value: Result<T, Error>) -> T {
        value.unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            T::default()
        })
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
