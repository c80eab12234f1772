//! An item as it comes from the database: as text where that is what it is for sure, else as bytes.
//!
//! Left to themselves, databases and drivers make text of anything: bytes become question marks,
//! replacement characters or another program's escapes. So what may be no text is selected by its
//! hexadecimal digits, and the planner judges. A letter before the value says which it is.

use sea_query::{BinOper, Expr, ExprTrait};

use super::{of_column, text};
use crate::database::{Dialect, Source};
use crate::job::Job;

/// What follows is text.
pub(crate) const TEXT: char = 't';
/// What follows are the bytes of a text, which may be none in UTF-8.
pub(crate) const BYTES_OF_TEXT: char = 'u';
/// What follows are bytes that are declared, or kept, as no text.
pub(crate) const BYTES: char = 'b';

/// The item column with the letter before it; NULL is NULL.
pub(super) fn item(job: &Job, column: &dyn Fn() -> Expr) -> Expr {
    if job.source == Source::Inventory {
        // Results are text, even where SQLite keeps them as a BLOB lest it make numbers of them.
        return text(marked(job.dialect, column()));
    }
    text(match job.dialect {
        // A domain becomes what it is made of together with a NULL. In a database without an
        // encoding, a text may hold any bytes.
        Dialect::Postgresql => Expr::cust_with_exprs(
            "CASE WHEN pg_typeof(COALESCE(?, NULL)) = CAST('bytea' AS regtype) \
             THEN 'b' || encode(CAST(CAST(? AS text) AS bytea), 'hex') \
             WHEN getdatabaseencoding() = 'SQL_ASCII' \
             THEN 'u' || encode(convert_to(CAST(? AS text), 'SQL_ASCII'), 'hex') \
             ELSE 't' || CAST(? AS text) END",
            (0..4).map(|_| column()),
        ),
        // Any text may hold any bytes; what is printable ASCII to its end is sound.
        Dialect::Sqlite => Expr::cust_with_exprs(
            "CASE WHEN typeof(?) = 'blob' THEN 'b' || hex(?) \
             WHEN typeof(?) = 'text' AND (SELECT encoding FROM pragma_encoding) = 'UTF-8' \
             AND (? GLOB '*[^ -~]*' OR length(?) <> length(CAST(? AS blob))) \
             THEN 'u' || hex(CAST(? AS blob)) ELSE 't' || CAST(? AS text) END",
            (0..8).map(|_| column()),
        ),
        Dialect::Mysql => {
            let declared = of_column(job, "data_type", &job.columns.item);
            Expr::cust_with_exprs(
                "CASE WHEN ? IN ('binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'bit', 'geometry') \
                 THEN CONCAT('b', HEX(?)) ELSE CONCAT('t', CAST(? AS char)) END",
                [declared, column(), column()],
            )
        }
    })
}

/// A text with the letter before it.
fn marked(dialect: Dialect, column: Expr) -> Expr {
    match dialect {
        Dialect::Postgresql | Dialect::Sqlite => {
            Expr::cust("'t'").binary(BinOper::Custom("||"), text(column))
        }
        Dialect::Mysql => Expr::cust_with_expr("CONCAT('t', ?)", text(column)),
    }
}
