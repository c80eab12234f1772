//! What the dialects spell differently.

use sea_query::{BinOper, Expr, ExprTrait, Func};

use super::{bind_double, bind_text, double, text};
use crate::database::Dialect;

impl Dialect {
    /// The database's clock, as stored in the inventory. SQLite keeps text, in the form that the
    /// inventory's other readers expect: UTC with microseconds.
    pub(super) fn now(self) -> Expr {
        match self {
            Self::Postgresql => Expr::current_timestamp(),
            Self::Sqlite => Func::cust("strftime")
                .arg(Expr::cust("'%Y-%m-%d %H:%M:%f000'"))
                .arg(Expr::cust("'now'"))
                .into(),
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
        }
    }

    /// A point in time of the inventory as RFC 3339 text in UTC, with milliseconds.
    pub(super) fn rfc3339(self, timestamp: Expr) -> Expr {
        match self {
            Self::Postgresql => Func::cust("to_char")
                .arg(timestamp.binary(BinOper::Custom("AT TIME ZONE"), Expr::cust("'UTC'")))
                .arg(Expr::cust(r#"'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"#))
                .into(),
            Self::Sqlite => Func::cust("strftime")
                .arg(Expr::cust("'%Y-%m-%dT%H:%M:%fZ'"))
                .arg(timestamp)
                .into(),
        }
    }

    /// A bound JSON document.
    pub(super) fn bind_json(self, json: Option<&str>) -> Expr {
        match self {
            Self::Postgresql => bind_text(json).cast_as("json"),
            Self::Sqlite => bind_text(json),
        }
    }

    /// What counts of a weight: NULL is 0; `otherwise` stands for a weight that cannot be, one
    /// that is negative, infinite or not a number.
    pub(super) fn weight(self, column: Expr, otherwise: Expr) -> Expr {
        let weight = double(column.clone());
        // In PostgreSQL, NaN sorts above infinity; SQLite has none.
        let finite = (weight.clone().gte(Expr::cust("0"))).and(weight.clone().lt(self.infinity()));
        let sound = match self {
            Self::Postgresql => finite,
            // Its columns hold any type, whatever their declaration says.
            Self::Sqlite => is_number(column.clone()).and(finite),
        };
        Expr::case(sound, weight)
            .case(column.is_null(), double(Expr::cust("0")))
            .finally(otherwise)
            .into()
    }

    /// Positive infinity.
    pub(super) fn infinity(self) -> Expr {
        match self {
            Self::Postgresql => double(Expr::cust("'Infinity'")),
            Self::Sqlite => Expr::cust("9e999"),
        }
    }

    /// The names of a column's types over all rows of a group, lowest and highest: the declared
    /// type in PostgreSQL, those of the values in SQLite.
    pub(super) fn types(self, column: Expr) -> [Expr; 2] {
        match self {
            Self::Postgresql => {
                let declared = text(Func::cust("pg_typeof").arg(column.min()));
                [declared, Expr::cust("CAST(NULL AS text)")]
            }
            Self::Sqlite => {
                let type_of = Expr::from(Func::cust("typeof").arg(column));
                [type_of.clone().min(), type_of.max()]
            }
        }
    }

    /// Whether `name`, as given by [`Self::types`], is an integer type.
    pub(crate) fn is_integer_type(self, name: &str) -> bool {
        match self {
            Self::Postgresql => matches!(name, "smallint" | "integer" | "bigint"),
            Self::Sqlite => name == "integer",
        }
    }

    /// Whether a point in time lies less than so many seconds back, by the database's clock.
    pub(super) fn younger_than(self, column: Expr, seconds: f64) -> Expr {
        let (at, limit) = self.age_limit(column, seconds);
        at.gt(limit)
    }

    /// Whether a point in time lies at least so many seconds back, by the database's clock.
    pub(super) fn older_than(self, column: Expr, seconds: f64) -> Expr {
        let (at, limit) = self.age_limit(column, seconds);
        at.lte(limit)
    }

    fn age_limit(self, column: Expr, seconds: f64) -> (Expr, Expr) {
        let seconds = bind_double(seconds);
        match self {
            Self::Postgresql => (
                column,
                Expr::current_timestamp().sub(seconds.mul(Expr::cust("INTERVAL '1 second'"))),
            ),
            Self::Sqlite => {
                let julian_day = |value| Func::cust("julianday").arg(value);
                let at = Expr::case(
                    is_number(column.clone()),
                    julian_day(column.clone()).arg(Expr::cust("'unixepoch'")),
                )
                .finally(julian_day(column));
                let now = Expr::from(julian_day(Expr::cust("'now'")));
                (at.into(), now.sub(seconds.div(Expr::cust("86400.0"))))
            }
        }
    }

    /// Whether a text matches a pattern of LIKE, telling capital from small letters. SQLite's LIKE
    /// does not tell them apart and has no escape character of its own, its GLOB does.
    pub(super) fn like(self, text: Expr, pattern: &str) -> Expr {
        match self {
            Self::Postgresql => text.binary(BinOper::Like, bind_text(pattern)),
            Self::Sqlite => text.binary(
                BinOper::Custom("GLOB"),
                bind_text(glob_pattern(pattern).as_str()),
            ),
        }
    }
}

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
            ("end\\", "end\\"),
        ] {
            assert_eq!(glob_pattern(like), glob);
        }
    }
}
