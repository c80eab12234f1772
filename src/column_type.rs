//! What a column's declared type means for comparing its values.

use serde_json::Value;

use crate::database::Dialect;

/// A column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnType {
    /// As the database calls it.
    pub(crate) name: String,
    /// What its values are.
    pub(crate) kind: Kind,
}

/// What a column's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers, also those that stand for truth values where the dialect has none.
    Number {
        precision: Precision,
        is_truth: bool,
    },
    /// Truth values.
    Truth,
    /// Text. A padded one has no blanks at its end.
    Text { is_padded: bool },
    /// UUIDs.
    Uuid,
    /// One of these words, in their order.
    Enumeration(Vec<String>),
    /// Points in time.
    Time(TimeKind),
    /// SQLite: values of any type, row by row.
    Any,
    /// What does not compare alike in all dialects.
    Other,
}

/// How exact a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// To its last digit.
    Exact,
    /// As floating-point numbers of 32 bits.
    Single,
    /// As floating-point numbers of 64 bits.
    Double,
}

/// How a point in time is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// As what it is, whatever the session's time zone.
    Absolute,
    /// As date and time in UTC, or as a date, which stands for its first moment.
    Utc,
    /// SQLite: as text in the form of ISO 8601.
    Text,
}

impl ColumnType {
    /// The type that a declaration names, as `sql::source::read_declarations` gives it.
    pub(crate) fn parse(declaration: &str, dialect: Dialect) -> Self {
        match dialect {
            Dialect::Postgresql => Self::of_postgresql(declaration),
            Dialect::Sqlite => Self::of_sqlite(declaration),
            Dialect::Mysql => Self::of_mysql(declaration),
        }
    }

    /// An enumeration is given by its words, as JSON. An extension's type may have its schema before it; names
    /// are in quotes where the server has `quote_all_identifiers`, and the type `"char"` is so everywhere.
    fn of_postgresql(declaration: &str) -> Self {
        if declaration.starts_with('[') {
            let words: Value = serde_json::from_str(declaration).unwrap_or_default();
            let words = words.as_array().into_iter().flatten();
            let words = words.filter_map(Value::as_str).map(str::to_owned);
            return Self::named("enum", Kind::Enumeration(words.collect()));
        }
        let kind = match declaration.replace('"', "").as_str() {
            "smallint" | "integer" | "bigint" | "numeric" | "oid" => Kind::exact(),
            "real" => Kind::floating(Precision::Single),
            "double precision" => Kind::floating(Precision::Double),
            "boolean" => Kind::Truth,
            "text" | "character varying" | "name" | "char" => Kind::text(),
            "character" => Kind::Text { is_padded: true },
            "uuid" => Kind::Uuid,
            "timestamp with time zone" => Kind::Time(TimeKind::Absolute),
            "timestamp without time zone" | "date" => Kind::Time(TimeKind::Utc),
            other if other == "citext" || other.ends_with(".citext") => Kind::text(),
            _ => Kind::Other,
        };
        Self::named(declaration, kind)
    }

    /// By the words in the declaration, as SQLite itself does; an empty one says nothing.
    fn of_sqlite(declaration: &str) -> Self {
        let upper = declaration.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
        let kind = if has(&["BOOL"]) {
            Kind::truth_number()
        } else if has(&["DATE", "TIMESTAMP"]) {
            Kind::Time(TimeKind::Text)
        } else if has(&["UUID", "GUID"]) {
            Kind::Uuid
        } else if upper.starts_with("TIME") || has(&["JSON"]) {
            Kind::Other
        } else if has(&["INT"]) {
            Kind::truth_number()
        } else if has(&["CHAR", "CLOB", "TEXT"]) {
            Kind::text()
        } else if has(&["REAL", "FLOA", "DOUB"]) {
            Kind::floating(Precision::Double)
        } else if has(&["NUM", "DEC"]) {
            Kind::exact()
        } else {
            Kind::Any
        };
        let name = if declaration.is_empty() {
            "none"
        } else {
            declaration
        };
        Self::named(name, kind)
    }

    /// As information_schema gives it, as in `decimal(10,2) unsigned` or `enum('a','b')`.
    fn of_mysql(declaration: &str) -> Self {
        let lower = declaration.to_ascii_lowercase();
        let word = (lower.split(['(', ' ']).next()).unwrap_or_default();
        let kind = match word {
            "tinyint" | "bit" => Kind::Number {
                precision: Precision::Exact,
                is_truth: lower.starts_with("tinyint(1)") || lower.starts_with("bit(1)"),
            },
            "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" => Kind::exact(),
            "float" => Kind::floating(Precision::Single),
            "double" => Kind::floating(Precision::Double),
            "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "set" => Kind::text(),
            "char" => Kind::Text { is_padded: true },
            "uuid" => Kind::Uuid,
            "enum" => Kind::Enumeration(quoted_words(declaration)),
            "timestamp" => Kind::Time(TimeKind::Absolute),
            "datetime" | "date" => Kind::Time(TimeKind::Utc),
            _ => Kind::Other,
        };
        let name = match kind {
            // Their words may be many.
            Kind::Enumeration(_) => word,
            _ => declaration,
        };
        Self::named(name, kind)
    }

    fn named(name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }
}

impl Kind {
    fn exact() -> Self {
        Self::floating(Precision::Exact)
    }

    fn floating(precision: Precision) -> Self {
        Self::Number {
            precision,
            is_truth: false,
        }
    }

    fn truth_number() -> Self {
        Self::Number {
            precision: Precision::Exact,
            is_truth: true,
        }
    }

    fn text() -> Self {
        Self::Text { is_padded: false }
    }
}

/// The words of `enum('a','b''c','d\\e')`.
fn quoted_words(declaration: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut characters = declaration.chars().peekable();
    while let Some(character) = characters.next() {
        match (&mut word, character) {
            (Some(open), '\'') if characters.next_if_eq(&'\'').is_some() => {
                String::push(open, '\'');
            }
            (Some(_), '\'') => words.extend(word.take()),
            (Some(open), '\\') => open.extend(characters.next().map(|escaped| match escaped {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                'Z' => '\u{1a}',
                other => other,
            })),
            (Some(open), character) => open.push(character),
            (None, '\'') => word = Some(String::new()),
            (None, _) => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(declaration: &str, dialect: Dialect) -> Kind {
        ColumnType::parse(declaration, dialect).kind
    }

    #[test]
    fn declarations_of_sqlite_are_read_by_their_words() {
        for (declaration, expected) in [
            ("INTEGER", Kind::truth_number()),
            ("boolean", Kind::truth_number()),
            ("decimal(10, 2)", Kind::exact()),
            ("varchar(20)", Kind::text()),
            ("TIMESTAMP WITH TIME ZONE", Kind::Time(TimeKind::Text)),
            ("datetime", Kind::Time(TimeKind::Text)),
            ("time", Kind::Other),
            ("json", Kind::Other),
            ("uuid", Kind::Uuid),
            ("", Kind::Any),
            ("BLOB", Kind::Any),
            ("string", Kind::Any),
        ] {
            assert_eq!(
                kind(declaration, Dialect::Sqlite),
                expected,
                "{declaration}"
            );
        }
    }

    #[test]
    fn declarations_of_mysql_are_read_with_their_details() {
        for (declaration, expected) in [
            ("tinyint(1)", Kind::truth_number()),
            ("tinyint(4)", Kind::exact()),
            ("bigint(20) unsigned", Kind::exact()),
            ("decimal(10,2)", Kind::exact()),
            ("timestamp(6)", Kind::Time(TimeKind::Absolute)),
            ("datetime", Kind::Time(TimeKind::Utc)),
            ("varbinary(16)", Kind::Other),
            ("json", Kind::Other),
            ("year(4)", Kind::exact()),
        ] {
            assert_eq!(kind(declaration, Dialect::Mysql), expected, "{declaration}");
        }
        let words =
            |words: &[&str]| Kind::Enumeration(words.iter().map(|word| (*word).into()).collect());
        assert_eq!(
            kind(r"enum('a,b','it''s','','ü','a\\b\n')", Dialect::Mysql),
            words(&["a,b", "it's", "", "ü", "a\\b\n"])
        );
        assert_eq!(
            kind(r#"["low", "high"]"#, Dialect::Postgresql),
            words(&["low", "high"])
        );
    }
}
