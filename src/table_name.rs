//! Table names as callers write them, and the one spelling under which they are a scope.

use std::fmt;

use sea_query::TableRef;

use crate::database::Dialect;

/// Of longer names, PostgreSQL takes so many bytes alone: two that begin alike would be one table.
const MAX_POSTGRESQL_NAME_BYTES: usize = 63;

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
        if dialect == Dialect::Postgresql {
            for part in [Some(&table), schema.as_ref()].into_iter().flatten() {
                check_length(part)?;
            }
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

    /// The same table, as its server spells it.
    pub(crate) fn spelled(self, schema: Option<String>, table: String) -> Self {
        Self {
            schema: schema.unwrap_or(self.schema),
            table,
            schema_is_default: self.schema_is_default,
        }
    }

    /// For a FROM or INTO clause: always with the schema, so that no search path decides.
    pub(crate) fn reference(&self) -> TableRef {
        (self.schema.clone(), self.table.clone()).into()
    }
}

/// The schema and the table that a name of a table means, for hosts that make one: parsed as the planner
/// does.
///
/// # Errors
///
/// A sentence that says what is wrong with the name.
pub fn schema_and_table(
    name: &str,
    dialect: Dialect,
    default_schema: Option<&str>,
) -> Result<(String, String), String> {
    let name = TableName::parse(name, dialect, default_schema)?;
    Ok((name.schema, name.table))
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

/// Refuses a name that PostgreSQL would cut off.
fn check_length(part: &str) -> Result<(), String> {
    if part.len() <= MAX_POSTGRESQL_NAME_BYTES {
        return Ok(());
    }
    Err(format!(
        "the name {part:?} has {} bytes, but PostgreSQL knows the first {MAX_POSTGRESQL_NAME_BYTES} of \
         them alone; write the name as it stands in its catalog",
        part.len()
    ))
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
    fn a_name_that_postgresql_would_cut_off_is_refused() {
        let long = "é".repeat(31) + "x";
        for name in [long.clone(), format!("{long}.files")] {
            assert!(normalised(&name, Dialect::Postgresql).is_ok(), "{name}");
        }
        for name in [format!("{long}y"), format!("{long}y.files")] {
            let error = normalised(&name, Dialect::Postgresql).unwrap_err();
            assert!(error.contains("has 64 bytes"), "{error}");
            assert!(normalised(&name, Dialect::Sqlite).is_ok(), "{name}");
        }
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
