//! What the dialects spell differently.

use sea_query::{BinOper, Expr, ExprTrait, Func};

use super::{bind_text, double, of_column, text};
use crate::database::Dialect;
use crate::job::Job;

impl Dialect {
    /// What stands around a name.
    pub(super) fn quote(self) -> u8 {
        match self {
            Self::Postgresql | Self::Sqlite => b'"',
            Self::Mysql => b'`',
        }
    }

    /// What a type is called that stands in our expressions by its name in PostgreSQL. SQLite takes
    /// any name; anything else is given back as it is.
    pub(super) fn type_name(self, name: &str) -> &str {
        match (self, name) {
            (Self::Mysql, "bigint" | "integer") => "signed",
            (Self::Mysql, "double precision") => "double",
            (Self::Mysql, "text") => "char",
            _ => name,
        }
    }

    /// The database's clock, as stored in the inventory. SQLite keeps text, in the form that the
    /// inventory's other readers expect: UTC with microseconds.
    pub(super) fn now(self) -> Expr {
        match self {
            Self::Postgresql => Expr::current_timestamp(),
            Self::Sqlite => Func::cust("strftime")
                .arg(Expr::cust("'%Y-%m-%d %H:%M:%f000'"))
                .arg(Expr::cust("'now'"))
                .into(),
            Self::Mysql => Expr::cust("UTC_TIMESTAMP(6)"),
        }
    }

    /// So many seconds after the database's clock, or before it, as stored in the inventory.
    pub(super) fn now_plus(self, seconds: Expr) -> Expr {
        match self {
            Self::Postgresql => {
                Expr::current_timestamp().add(seconds.mul(Expr::cust("INTERVAL '1 second'")))
            }
            Self::Sqlite => Func::cust("strftime")
                .arg(Expr::cust("'%Y-%m-%d %H:%M:%f000'"))
                .arg(Expr::cust("'now'"))
                .arg(text(seconds).binary(BinOper::Custom("||"), Expr::cust("' seconds'")))
                .into(),
            Self::Mysql => Expr::cust_with_expr("UTC_TIMESTAMP(6) + INTERVAL ? SECOND", seconds),
        }
    }

    /// A point in time of the inventory as RFC 3339 text in UTC, with milliseconds.
    pub(super) fn rfc3339(self, timestamp: Expr) -> Expr {
        Expr::cust_with_expr(self.rfc3339_of("?"), timestamp)
    }

    /// The same, of a point in time that is written down already.
    pub(super) fn rfc3339_of(self, timestamp: &str) -> String {
        let (before, behind) = match self {
            Self::Postgresql => (
                "to_char(",
                r#" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"#,
            ),
            Self::Sqlite => ("strftime('%Y-%m-%dT%H:%M:%fZ', ", ")"),
            Self::Mysql => (
                "CONCAT(LEFT(DATE_FORMAT(",
                ", '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')",
            ),
        };
        [before, timestamp, behind].concat()
    }

    /// In how many seconds, rounded down, a lease is over.
    pub(super) fn lease_left(self) -> &'static str {
        match self {
            Self::Postgresql => "floor(EXTRACT(EPOCH FROM lease_expires - CURRENT_TIMESTAMP))",
            Self::Sqlite => "(julianday(lease_expires) - julianday('now')) * 86400",
            Self::Mysql => {
                "floor(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), lease_expires) / 1000000)"
            }
        }
    }

    /// The function that gives the lowest of several values, which must not be NULL.
    pub(super) fn least(self) -> &'static str {
        match self {
            Self::Postgresql | Self::Mysql => "LEAST(",
            Self::Sqlite => "min(",
        }
    }

    /// The function that gives the highest of them.
    pub(super) fn greatest(self) -> &'static str {
        match self {
            Self::Postgresql | Self::Mysql => "GREATEST(",
            Self::Sqlite => "max(",
        }
    }

    /// A bound JSON document.
    pub(super) fn bind_json(self, json: Option<&str>) -> Expr {
        match self {
            Self::Postgresql => bind_text(json).cast_as("json"),
            Self::Sqlite | Self::Mysql => bind_text(json),
        }
    }

    /// What counts of a weight: NULL is 0; `otherwise` stands for an invalid weight, one
    /// that is negative, infinite or not a number.
    pub(super) fn weight(self, column: &dyn Fn() -> Expr, otherwise: Expr) -> Expr {
        let weight = || double(column());
        // In PostgreSQL, NaN sorts above infinity; SQLite has none.
        let finite = (weight().gte(Expr::cust("0"))).and(weight().lt(self.infinity()));
        let sound = match self {
            Self::Postgresql => finite,
            // Its columns hold any type, whatever their declaration says.
            Self::Sqlite => is_number(column()).and(finite),
            // It takes any text for a number.
            Self::Mysql => text(column())
                .binary(BinOper::Custom("REGEXP"), Expr::cust(MYSQL_NUMBER))
                .and(finite),
        };
        Expr::cust_with_exprs(
            "(CASE WHEN (?) THEN ? WHEN (?) THEN ? ELSE ? END)",
            [
                sound,
                weight(),
                column().is_null(),
                double(Expr::cust("0")),
                otherwise,
            ],
        )
    }

    /// What no weight reaches. MySQL has no infinity, and of SQLite's, Cloudflare's D1 makes NULL;
    /// sums of what stands for it must fit.
    pub(super) fn infinity(self) -> Expr {
        match self {
            Self::Postgresql => double(Expr::cust("'Infinity'")),
            Self::Sqlite | Self::Mysql => Expr::cust("1e300"),
        }
    }

    /// The names of the uid column's types over all rows of a group, lowest and highest: the declared
    /// type in PostgreSQL and MySQL, those of the values in SQLite.
    pub(super) fn uid_types(self, job: &Job, uid: &str) -> [Expr; 2] {
        match self {
            Self::Postgresql => {
                let declared = text(Func::cust("pg_typeof").arg(Expr::cust(uid.to_owned()).min()));
                [declared, text(Expr::cust("NULL"))]
            }
            Self::Sqlite => {
                let type_of = || Expr::from(Func::cust("typeof").arg(Expr::cust(uid.to_owned())));
                [type_of().min(), type_of().max()]
            }
            Self::Mysql => {
                let declared = of_column(job, "data_type", &job.columns.uid);
                [text(declared), text(Expr::cust("NULL"))]
            }
        }
    }

    /// An id, or the highest that 64 bits with a sign can hold where it lies beyond.
    pub(super) fn at_most_signed(self, uid: Expr) -> Expr {
        match self {
            Self::Postgresql | Self::Sqlite => uid,
            Self::Mysql => Expr::cust_with_expr(format!("LEAST(?, {})", i64::MAX), uid),
        }
    }

    /// The lowest id of a group that lies beyond what 64 bits with a sign can hold, as text; NULL
    /// where none does. MySQL's integers without a sign go twice as far.
    pub(super) fn first_beyond(self, uid: &str) -> Expr {
        text(Expr::cust(match self {
            Self::Postgresql | Self::Sqlite => "NULL".to_owned(),
            Self::Mysql => format!("min(CASE WHEN {uid} > {} THEN {uid} END)", i64::MAX),
        }))
    }

    /// Whether `name`, as given by [`Self::uid_types`], is an integer type.
    pub(crate) fn is_integer_type(self, name: &str) -> bool {
        match self {
            Self::Postgresql => matches!(name, "smallint" | "integer" | "bigint"),
            Self::Sqlite => name == "integer",
            Self::Mysql => matches!(
                name,
                "tinyint" | "smallint" | "mediumint" | "int" | "bigint"
            ),
        }
    }

    /// A text as it compares by its characters alone, whatever its column's collation says. In MySQL both
    /// sides must be such.
    pub(super) fn by_characters(self, text: Expr) -> Expr {
        const COLLATE: BinOper = BinOper::Custom("COLLATE");
        match self {
            Self::Postgresql => text.binary(COLLATE, Expr::cust("\"C\"")),
            Self::Sqlite => text.binary(COLLATE, Expr::cust("BINARY")),
            Self::Mysql => text.cast_as("binary"),
        }
    }

    /// Whether a column's text matches a pattern of LIKE, telling capital from small letters. SQLite's
    /// LIKE does not tell them apart and has no escape character of its own, its GLOB does. In MySQL,
    /// settings decide which character escapes, so it is named.
    pub(super) fn like(self, column: Expr, pattern: &str) -> Expr {
        let text = text(column);
        match self {
            Self::Postgresql => {
                (self.by_characters(text)).binary(BinOper::Like, bind_text(pattern))
            }
            Self::Sqlite => text.binary(
                BinOper::Custom("GLOB"),
                bind_text(glob_pattern(pattern).as_str()),
            ),
            Self::Mysql => Expr::cust_with_exprs(
                "? COLLATE utf8mb4_bin LIKE ? ESCAPE '|'",
                [text, bind_text(bar_pattern(pattern).as_str())],
            ),
        }
    }
}

/// A number as MySQL writes it.
const MYSQL_NUMBER: &str = "'^-?[0-9]+([.][0-9]*)?(e[-+]?[0-9]+)?$'";

/// Whether an SQLite value is a number.
fn is_number(column: Expr) -> Expr {
    Expr::from(Func::cust("typeof").arg(column))
        .is_in([Expr::cust("'integer'"), Expr::cust("'real'")])
}

/// The GLOB pattern that means the same as a LIKE pattern whose escape character is `\`.
fn glob_pattern(like: &str) -> String {
    let mut glob = String::with_capacity(like.len());
    let mut characters = like.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        match literal {
            '*' | '?' | '[' => glob.extend(['[', literal, ']']),
            other => glob.push(other),
        }
    }
    glob
}

/// The same pattern with the escape character `|` instead of `\`.
fn bar_pattern(like: &str) -> String {
    let mut pattern = String::with_capacity(like.len());
    let mut characters = like.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => pattern.extend(['|', characters.next().unwrap_or('\\')]),
            '|' => pattern.push_str("||"),
            other => pattern.push(other),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_pattern_becomes_a_glob_pattern() {
        for (like, glob) in [
            ("%tmp%", "*tmp*"),
            ("part-____.csv", "part-????.csv"),
            (r"100\%", "100%"),
            (r"a\_b\\c", r"a_b\c"),
            ("what*?[x]", "what[*][?][[]x]"),
            (r"end\\", r"end\"),
        ] {
            assert_eq!(glob_pattern(like), glob);
        }
    }

    #[test]
    fn a_like_pattern_escapes_by_a_bar() {
        for (like, bar) in [
            ("%tmp_", "%tmp_"),
            (r"100\%", "100|%"),
            (r"a\\b", r"a|\b"),
            ("a|b", "a||b"),
            (r"end\\", r"end|\"),
        ] {
            assert_eq!(bar_pattern(like), bar);
        }
    }
}
