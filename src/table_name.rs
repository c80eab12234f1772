//! Table names as callers write them, and the one spelling under which they are a scope.

use std::fmt;

use sea_query::TableRef;

use crate::database::Dialect;

/// Of longer names, PostgreSQL takes so many bytes alone: two that begin alike would be one table.
const MAX_POSTGRESQL_NAME_BYTES: usize = 63;

/// The longest name of a source, in bytes.
const MAX_SOURCE_BYTES: usize = 63;

/// A table with the schema it is looked up in.
///
/// Callers write `table` or `schema.table`. A part that holds a dot or a colon, or starts with a
/// double quote, is written in double quotes with the quotes inside it doubled, as in SQL.
/// Everything else is taken to the letter: no folding to lower case, except in SQLite, whose names
/// know no case. In MySQL, a schema is a database.
///
/// It has two spellings. The [scope](Self::scope) is what the inventory keeps, the same for every
/// process: only the schema that the dialect itself takes for the default one is left out. What
/// callers are told is as this process would name the table.
///
/// Where several meta databases share an inventory, each is a source with a name, which stands
/// before the table's with a colon: `lake:files`. A name so written is a scope; `:files` is one
/// of the source without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    source: Option<String>,
    schema: String,
    table: String,
    /// Whether this process's tables have another source.
    is_elsewhere: bool,
    /// Whether this process means the schema where none is named.
    schema_is_default: bool,
    /// Whether the dialect means it.
    schema_is_built_in: bool,
}

/// What this process means by names that do not say all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Naming<'a> {
    pub(crate) dialect: Dialect,
    /// The schema of tables that are named without one; none: the dialect's own.
    pub(crate) default_schema: Option<&'a str>,
    /// The name of the meta tables' source.
    pub(crate) source: Option<&'a str>,
}

impl Naming<'_> {
    /// The schema of tables that are named without one.
    fn schema(&self) -> Option<&str> {
        self.default_schema.or(built_in_schema(self.dialect))
    }
}

/// The schema of tables that are named without one, unless something else is said.
fn built_in_schema(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Postgresql => Some("public"),
        Dialect::Sqlite => Some("main"),
        Dialect::Mysql => None,
    }
}

/// Splits a scope into the name of its source and the rest, if it names one. That of the source
/// without a name is empty.
#[must_use]
pub fn split_source(name: &str) -> Option<(&str, &str)> {
    let end = name.find(['"', '.', ':'])?;
    let (source, rest) = name.split_at(end);
    Some((source, rest.strip_prefix(':')?))
}

/// Checks the name of a source: it stands before a colon, and in an index.
///
/// # Errors
///
/// A sentence that says what is wrong with it.
pub(crate) fn check_source(source: &str) -> Result<(), String> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=MAX_SOURCE_BYTES).contains(&source.len()) && source.bytes().all(is_fine) {
        return Ok(());
    }
    Err(format!(
        "meta-name must be of 1 to {MAX_SOURCE_BYTES} letters from a to z, digits, hyphens and \
         underscores, not {source:?}"
    ))
}

impl TableName {
    /// Parses a meta table's name as a caller of this process writes it.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with the name.
    pub(crate) fn of_meta_table(name: &str, naming: Naming<'_>) -> Result<Self, String> {
        match split_source(name) {
            Some(_) => Self::of_scope(name, naming),
            None => {
                let source = naming.source.map(str::to_owned);
                Self::parse(name, naming, naming.schema(), source)
            }
        }
    }

    /// Parses a meta table's name as the inventory keeps it, whatever process has written it.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with the name.
    pub(crate) fn of_scope(scope: &str, naming: Naming<'_>) -> Result<Self, String> {
        let (source, name) = match split_source(scope) {
            Some((source, name)) => (Some(source), name),
            None => (None, scope),
        };
        let source = source.filter(|source| !source.is_empty());
        let schema = built_in_schema(naming.dialect);
        Self::parse(name, naming, schema, source.map(str::to_owned))
    }

    /// Parses the inventory table's name.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with the name.
    pub(crate) fn of_inventory(name: &str, dialect: Dialect) -> Result<Self, String> {
        let naming = Naming {
            dialect,
            default_schema: None,
            source: None,
        };
        Self::parse(name, naming, naming.schema(), None)
    }

    /// A table as a process names it whose source has no name.
    #[cfg(test)]
    pub(crate) fn of(
        name: &str,
        dialect: Dialect,
        default_schema: Option<&str>,
    ) -> Result<Self, String> {
        let naming = Naming {
            dialect,
            default_schema,
            source: None,
        };
        Self::of_meta_table(name, naming)
    }

    /// Parses the parts of a name; one without schema lies in `default_schema`.
    fn parse(
        name: &str,
        naming: Naming<'_>,
        default_schema: Option<&str>,
        source: Option<String>,
    ) -> Result<Self, String> {
        let dialect = naming.dialect;
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
        let fold = |part: &str| match dialect {
            Dialect::Postgresql | Dialect::Mysql => part.to_owned(),
            Dialect::Sqlite => part.to_ascii_lowercase(),
        };
        let schema = (schema.as_deref().or(default_schema).map(fold)).ok_or_else(|| {
            format!("the table name {name:?} lacks its database; write `database.table`")
        })?;
        Ok(Self {
            schema_is_default: naming.schema().map(fold).as_ref() == Some(&schema),
            schema_is_built_in: built_in_schema(dialect) == Some(schema.as_str()),
            is_elsewhere: source.as_deref() != naming.source,
            source,
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

    /// Whether it is the same table of one database, whatever its source is called.
    pub(crate) fn is_same_table(&self, other: &Self) -> bool {
        self.table == other.table && self.schema == other.schema
    }

    /// The same table, whose schema is taken for the default one.
    pub(crate) fn in_default_schema(self) -> Self {
        Self {
            schema_is_default: true,
            ..self
        }
    }

    /// The same table, as its server spells it and the schema that is meant by default.
    pub(crate) fn spelled(
        self,
        table: Option<String>,
        schema: Option<String>,
        default_schema: Option<&str>,
    ) -> Self {
        let schema = schema.unwrap_or(self.schema);
        Self {
            schema_is_default: default_schema == Some(schema.as_str()),
            schema,
            table: table.unwrap_or(self.table),
            ..self
        }
    }

    /// The name under which the inventory keeps it, whatever process does.
    pub(crate) fn scope(&self) -> String {
        let mut scope = String::new();
        if let Some(source) = &self.source {
            scope.push_str(source);
            scope.push(':');
        }
        if !self.schema_is_built_in {
            push_part(&mut scope, &self.schema);
            scope.push('.');
        }
        push_part(&mut scope, &self.table);
        scope
    }

    /// The name of its source where that is not this process's: an empty one for the source without
    /// a name.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        (self.is_elsewhere).then(|| self.source.as_deref().unwrap_or_default())
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
    let naming = Naming {
        dialect,
        default_schema,
        source: None,
    };
    if split_source(name).is_some() {
        return Err(format!(
            "the table name {name:?} names a source; leave it out, or write a part that holds a \
             colon in double quotes"
        ));
    }
    let name = TableName::of_meta_table(name, naming)?;
    Ok((name.schema, name.table))
}

/// As this process names it: without the schema where that is the default one. A table of another
/// source is told by its scope.
impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = String::new();
        if self.is_elsewhere {
            if self.source.is_none() {
                name.push(':');
            }
            name.push_str(&self.scope());
        } else {
            if !self.schema_is_default {
                push_part(&mut name, &self.schema);
                name.push('.');
            }
            push_part(&mut name, &self.table);
        }
        formatter.write_str(&name)
    }
}

/// Puts a part behind a name, in quotes where it holds what parts names.
pub(crate) fn push_part(name: &mut String, part: &str) {
    if part.contains(['.', ':']) || part.starts_with('"') {
        name.push('"');
        name.push_str(&part.replace('"', "\"\""));
        name.push('"');
    } else {
        name.push_str(part);
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
        TableName::of(name, dialect, None).map(|name| name.to_string())
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
            ("\"we:ird\"", "\"we:ird\""),
            ("files.\"of:1\"", "files.\"of:1\""),
            ("files.of:1", "files.\"of:1\""),
        ] {
            let once = normalised(name, Dialect::Postgresql).unwrap();
            assert_eq!(once, expected);
            assert_eq!(normalised(&once, Dialect::Postgresql).unwrap(), once);
        }
        assert_eq!(normalised("MAIN.Files", Dialect::Sqlite).unwrap(), "files");
    }

    #[test]
    fn a_name_without_schema_lies_in_the_configured_one() {
        let name = TableName::of("files", Dialect::Postgresql, Some("lake")).unwrap();
        assert_eq!((name.schema(), name.table()), ("lake", "files"));
        let same = TableName::of("lake.files", Dialect::Postgresql, Some("lake")).unwrap();
        assert_eq!(name, same);
        let other = TableName::of("public.files", Dialect::Postgresql, Some("lake")).unwrap();
        assert_eq!(other.to_string(), "public.files");
    }

    fn naming<'a>(
        dialect: Dialect,
        default_schema: Option<&'a str>,
        source: Option<&'a str>,
    ) -> Naming<'a> {
        Naming {
            dialect,
            default_schema,
            source,
        }
    }

    #[test]
    fn a_scope_says_what_a_process_leaves_out() {
        use Dialect::{Mysql, Postgresql, Sqlite};
        for (dialect, default_schema, source, name, scope, told) in [
            (Postgresql, None, None, "files", "files", "files"),
            (Postgresql, None, None, "public.files", "files", "files"),
            (Postgresql, Some("public"), None, "files", "files", "files"),
            (
                Postgresql,
                Some("lake"),
                None,
                "files",
                "lake.files",
                "files",
            ),
            (
                Postgresql,
                Some("lake"),
                None,
                "lake.files",
                "lake.files",
                "files",
            ),
            (
                Postgresql,
                Some("lake"),
                None,
                "public.files",
                "files",
                "public.files",
            ),
            (
                Postgresql,
                Some("lake"),
                None,
                ":files",
                "files",
                "public.files",
            ),
            (Postgresql, None, Some("a"), "files", "a:files", "files"),
            (Postgresql, None, Some("a"), "a:files", "a:files", "files"),
            (Postgresql, None, Some("a"), "b:files", "b:files", "b:files"),
            (
                Postgresql,
                None,
                Some("a"),
                ":lake.files",
                "lake.files",
                ":lake.files",
            ),
            (
                Postgresql,
                Some("lake"),
                Some("a"),
                "files",
                "a:lake.files",
                "files",
            ),
            (
                Postgresql,
                Some("lake"),
                Some("a"),
                "a:files",
                "a:files",
                "public.files",
            ),
            (
                Postgresql,
                Some("lake"),
                Some("a"),
                "\"b:c\"",
                "a:lake.\"b:c\"",
                "\"b:c\"",
            ),
            (Sqlite, None, None, "MAIN.Files", "files", "files"),
            (Sqlite, Some("Lake"), None, "files", "lake.files", "files"),
            (Mysql, Some("lake"), None, "files", "lake.files", "files"),
            (
                Mysql,
                Some("lake"),
                None,
                "Lake.files",
                "Lake.files",
                "Lake.files",
            ),
            (
                Mysql,
                Some("lake"),
                Some("a"),
                "files",
                "a:lake.files",
                "files",
            ),
        ] {
            let naming = naming(dialect, default_schema, source);
            let table = TableName::of_meta_table(name, naming).unwrap();
            assert_eq!(
                (&*table.scope(), &*table.to_string()),
                (scope, told),
                "{name}"
            );
            for same in [
                TableName::of_scope(scope, naming),
                TableName::of_meta_table(told, naming),
            ] {
                assert_eq!(same.unwrap(), table, "{name}");
            }
        }
    }

    #[test]
    fn the_name_of_a_source_holds_no_punctuation() {
        for source in ["lake", "Lake-2_b", &"x".repeat(MAX_SOURCE_BYTES)] {
            assert_eq!(check_source(source), Ok(()));
        }
        for source in ["", "a:b", "a.b", "a\"", "a b", "é", &"x".repeat(64)] {
            assert!(check_source(source).is_err(), "{source}");
        }
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
