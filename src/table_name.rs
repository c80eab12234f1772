//! Table names as callers write them, and the one spelling under which they are a scope.

use std::fmt;

use sea_query::TableRef;

use crate::database::Dialect;

/// A table with the schema it is looked up in.
///
/// Callers write `table` or `schema.table`. A part that holds a dot, or starts with a double quote,
/// is written in double quotes with the quotes inside it doubled, as in SQL. Everything else is
/// taken to the letter: no folding to lower case, except in SQLite, whose names know no case. In
/// MySQL, a schema is a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    schema: String,
    table: String,
    schema_is_default: bool,
}

impl TableName {
    /// Parses a name; one without schema lies in `default_schema`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with the name.
    pub(crate) fn parse(
        name: &str,
        dialect: Dialect,
        default_schema: Option<&str>,
    ) -> Result<Self, String> {
        if name.contains('\0') {
            return Err(format!("the table name {name:?} holds a NUL character"));
        }
        let (first, rest) = take_part(name)?;
        let (schema, table) = match rest {
            None => (None, first),
            Some(rest) => {
                let (second, rest) = take_part(rest)?;
                if rest.is_some() {
                    return Err(format!(
                        "the table name {name:?} has more than two parts; write `table` or \
                         `schema.table`, with double quotes around a part that holds dots"
                    ));
                }
                (Some(first), second)
            }
        };
        if table.is_empty() || schema.as_ref().is_some_and(String::is_empty) {
            return Err(format!("the table name {name:?} has an empty part"));
        }
        let default_schema = default_schema.or(match dialect {
            Dialect::Postgresql => Some("public"),
            Dialect::Sqlite => Some("main"),
            Dialect::Mysql => None,
        });
        let fold = |part: &str| match dialect {
            Dialect::Postgresql | Dialect::Mysql => part.to_owned(),
            Dialect::Sqlite => part.to_ascii_lowercase(),
        };
        let default_schema = default_schema.map(fold);
        let schema = (schema.as_deref().map(fold))
            .or_else(|| default_schema.clone())
            .ok_or_else(|| {
                format!("the table name {name:?} lacks its database; write `database.table`")
            })?;
        Ok(Self {
            schema_is_default: default_schema.as_ref() == Some(&schema),
            schema,
            table: fold(&table),
        })
    }

    /// The table's own name, without its schema.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// The schema.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// The same table, whose schema is taken for the default one.
    pub(crate) fn in_default_schema(self) -> Self {
        Self {
            schema_is_default: true,
            ..self
        }
    }

    /// For a FROM or INTO clause: always with the schema, so that no search path decides.
    pub(crate) fn reference(&self) -> TableRef {
        (self.schema.clone(), self.table.clone()).into()
    }
}

/// The normalised spelling: without the schema where it is the default one.
impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.schema_is_default {
            write_part(&self.schema, formatter)?;
            formatter.write_str(".")?;
        }
        write_part(&self.table, formatter)
    }
}

fn write_part(part: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    if part.contains('.') || part.starts_with('"') {
        write!(formatter, "\"{}\"", part.replace('"', "\"\""))
    } else {
        formatter.write_str(part)
    }
}

/// Splits the first part off; the rest, if any, is what follows the dot.
fn take_part(name: &str) -> Result<(String, Option<&str>), String> {
    let Some(quoted) = name.strip_prefix('"') else {
        return Ok(match name.split_once('.') {
            Some((part, rest)) => (part.into(), Some(rest)),
            None => (name.into(), None),
        });
    };
    let mut part = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '"' {
            part.push(character);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            part.push('"');
        } else {
            let after = quoted.get(at + 1..).unwrap_or_default();
            return match after.strip_prefix('.') {
                Some(rest) => Ok((part, Some(rest))),
                None if after.is_empty() => Ok((part, None)),
                None => Err(format!(
                    "the table name {name:?} goes on after its closing quote"
                )),
            };
        }
    }
    Err(format!("the table name {name:?} lacks its closing quote"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(name: &str, dialect: Dialect) -> Result<String, String> {
        TableName::parse(name, dialect, None).map(|name| name.to_string())
    }

    #[test]
    fn one_table_is_one_scope_however_it_is_spelled() {
        for (name, expected) in [
            ("files", "files"),
            ("public.files", "files"),
            ("\"files\"", "files"),
            ("\"public\".\"files\"", "files"),
            ("lake.files", "lake.files"),
            ("lake.\"my.files\"", "lake.\"my.files\""),
            ("\"say \"\"hi\"\"\"", "say \"hi\""),
            ("\"\"\"quoted\"\"\"", "\"\"\"quoted\"\"\""),
            ("we ird", "we ird"),
            ("sel\"ect", "sel\"ect"),
            ("Files", "Files"),
            ("ünïcode", "ünïcode"),
        ] {
            let once = normalised(name, Dialect::Postgresql).unwrap();
            assert_eq!(once, expected);
            assert_eq!(normalised(&once, Dialect::Postgresql).unwrap(), once);
        }
        assert_eq!(normalised("MAIN.Files", Dialect::Sqlite).unwrap(), "files");
    }

    #[test]
    fn a_name_without_schema_lies_in_the_configured_one() {
        let name = TableName::parse("files", Dialect::Postgresql, Some("lake")).unwrap();
        assert_eq!((name.schema(), name.table()), ("lake", "files"));
        let same = TableName::parse("lake.files", Dialect::Postgresql, Some("lake")).unwrap();
        assert_eq!(name, same);
        let other = TableName::parse("public.files", Dialect::Postgresql, Some("lake")).unwrap();
        assert_eq!(other.to_string(), "public.files");
    }

    #[test]
    fn mysql_has_no_default_schema() {
        let error = normalised("files", Dialect::Mysql).unwrap_err();
        assert!(error.contains("lacks its database"), "{error}");
        assert_eq!(
            normalised("Lake.Files", Dialect::Mysql).unwrap(),
            "Lake.Files"
        );
    }

    #[test]
    fn a_malformed_name_is_refused() {
        for name in [
            "", ".", "a.", ".a", "a.b.c", "\"a", "\"a\"b", "\"\"", "a\0b",
        ] {
            assert!(normalised(name, Dialect::Postgresql).is_err(), "{name:?}");
        }
    }
}
