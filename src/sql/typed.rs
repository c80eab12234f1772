//! Statements that know how their rows are read: what the one selects and the other takes stands side by side.

use super::Statement;
use crate::database::Rows;
use crate::error::Error;
use crate::row_reader::RowReader;

/// A statement, and how each of its rows is read.
#[derive(Clone)]
pub(crate) struct TypedStatement<T> {
    pub(crate) statement: Statement,
    pub(crate) rows: RowsAs<T>,
}

/// How rows are read: the columns one after the other, as the statement selects them.
#[derive(Clone, Copy)]
pub(crate) struct RowsAs<T>(fn(&mut RowReader) -> T);

impl Statement {
    /// With the reader of its rows.
    pub(super) fn read_as<T>(self, read: fn(&mut RowReader) -> T) -> TypedStatement<T> {
        TypedStatement {
            statement: self,
            rows: RowsAs(read),
        }
    }
}

impl<T> RowsAs<T> {
    /// The only row.
    pub(crate) fn only(self, rows: Rows) -> Result<T, Error> {
        (self.first(rows)?).ok_or_else(|| Error::database("the host gave no row"))
    }

    /// The first row, if there is one.
    pub(crate) fn first(self, rows: Rows) -> Result<Option<T>, Error> {
        self.all(rows).next().transpose()
    }

    /// All rows, each read when it comes to it.
    pub(crate) fn all(self, rows: Rows) -> impl Iterator<Item = Result<T, Error>> {
        rows.rows
            .into_iter()
            .map(move |row| RowReader::read(row, self.0))
    }
}

#[cfg(test)]
impl<T> From<TypedStatement<T>> for Statement {
    fn from(typed: TypedStatement<T>) -> Self {
        typed.statement
    }
}
