//! An item as it comes from the database: as text where that is what it is for sure, else as bytes.
//!
//! Left to themselves, databases and drivers make text of anything: bytes become question marks,
//! replacement characters or another program's escapes. So what may be no text is selected by its
//! hexadecimal digits, and the planner judges. A letter before the value says which it is.

use sea_query::{BinOper, Expr, ExprTrait, Func, SubQueryStatement};

use super::source::{select_nothing, source};
use super::{is_standby, of_column, text};
use crate::database::{Dialect, Source};
use crate::interface::Settle;
use crate::job::Job;

/// A longer item, in bytes, is not given by the statement that a host runs by itself: so a page of it has a bound.
const PLAIN_BYTES: u32 = 2048;

/// What follows is text.
pub(crate) const TEXT: char = 't';
/// What follows are the bytes of a text, which may be none in UTF-8.
pub(crate) const BYTES_OF_TEXT: char = 'u';
/// What follows are bytes that are declared, or kept, as no text.
pub(crate) const BYTES: char = 'b';

/// MySQL's types of bytes.
const MYSQL_BYTES: &str =
    "'binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'bit', 'geometry'";

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
        // Any text may hold any bytes; what is printable ASCII to its end is sound. In UTF-16 a
        // letter has two bytes; the pragma that tells the encoding is not open to everybody.
        Dialect::Sqlite => Expr::cust_with_exprs(
            "CASE WHEN typeof(?) = 'blob' THEN 'b' || hex(?) \
             WHEN typeof(?) = 'text' AND length(CAST('a' AS blob)) = 1 \
             AND (? GLOB '*[^ -~]*' OR length(?) <> length(CAST(? AS blob))) \
             THEN 'u' || hex(CAST(? AS blob)) ELSE 't' || CAST(? AS text) END",
            (0..8).map(|_| column()),
        ),
        Dialect::Mysql => {
            let declared = of_column(job, "data_type", &job.columns.item);
            Expr::cust_with_exprs(
                format!(
                    "CASE WHEN ? IN ({MYSQL_BYTES}) \
                     THEN CONCAT('b', HEX(?)) ELSE CONCAT('t', CAST(? AS char)) END"
                ),
                [declared, column(), column()],
            )
        }
    })
}

/// The item column as plain text, or the character U+0001 where that is none for sure, or is long; NULL is NULL. What is no UTF-8
/// in SQLite stops the driver, or shows by its replacement characters.
pub(super) fn plain_item(job: &Job) -> Expr {
    let item = || source(&job.columns.item);
    text(match job.dialect {
        Dialect::Postgresql => Expr::cust_with_exprs(
            format!(
                "CASE WHEN octet_length(CAST(? AS text)) > {PLAIN_BYTES} THEN chr(1) \
                 ELSE CAST(? AS text) END"
            ),
            [item(), item()],
        ),
        Dialect::Sqlite => {
            // Results are text, even where they are kept as a BLOB.
            let kept_as_bytes = match job.source {
                Source::Inventory => "",
                Source::Meta => "blob",
            };
            Expr::cust_with_exprs(
                format!(
                    "CASE WHEN typeof(?) = '{kept_as_bytes}' OR length(CAST(? AS blob)) > {PLAIN_BYTES} \
                     OR instr(CAST(? AS text), char(0)) > 0 THEN char(1) ELSE CAST(? AS text) END"
                ),
                (0..4).map(|_| item()),
            )
        }
        Dialect::Mysql => Expr::cust_with_exprs(
            format!(
                "CASE WHEN length(CAST(? AS char)) > {PLAIN_BYTES} \
                 OR locate(x'00', CAST(CAST(? AS char) AS binary)) > 0 THEN _utf8mb4 x'01' \
                 ELSE CAST(? AS char) END"
            ),
            (0..3).map(|_| item()),
        ),
    })
}

/// Whether items can be given as plain text at all: the item column holds text, in an encoding, and where the job settles no
/// standby is asked. `None` where that differs from row to row.
///
/// It reads nothing of a row, so it is looked up once.
pub(super) fn may_be_plain(job: &Job) -> Option<Expr> {
    let item = &job.columns.item;
    let nor_standby = match job.settle {
        Settle::None => String::new(),
        Settle::CommitOrder => format!(" AND {} = 0", is_standby(job.dialect)),
    };
    match job.dialect {
        Dialect::Postgresql => {
            // Together with a NULL, a domain becomes what it is made of.
            let value = Func::coalesce([source(item), Expr::cust("NULL")]);
            let value = SubQueryStatement::from(select_nothing(job, [value.into()]));
            Some(Expr::cust_with_expr(
                format!(
                    "(SELECT pg_typeof(?) <> CAST('bytea' AS regtype) \
                     AND getdatabaseencoding() <> 'SQL_ASCII'{nor_standby})"
                ),
                Expr::from(value),
            ))
        }
        Dialect::Sqlite => None,
        Dialect::Mysql => Some(Expr::cust_with_expr(
            format!("(SELECT ? NOT IN ({MYSQL_BYTES}){nor_standby})"),
            of_column(job, "data_type", item),
        )),
    }
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
