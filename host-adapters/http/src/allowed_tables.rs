//! Which meta tables callers may name.

use batchintory::{Dialect, Settings as Databases, schema_and_table, split_source};

/// Patterns of tables; none: any may be named.
pub(crate) struct AllowedTables(Vec<String>);

impl AllowedTables {
    /// Reads patterns with blanks, line breaks or commas between: names of tables as callers write them, in
    /// which `*` stands for any characters.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let patterns: Vec<String> = (text.split(|c: char| c.is_whitespace() || c == ','))
            .filter(|pattern| !pattern.is_empty())
            .map(str::to_owned)
            .collect();
        for pattern in &patterns {
            // In any dialect it has the same parts.
            schema_and_table(pattern, Dialect::Sqlite, None).map_err(|error| {
                format!("the setting allowed-tables: {pattern:?} is no pattern of tables: {error}")
            })?;
        }
        Ok(Self(patterns))
    }

    /// Whether any table may be named.
    pub(crate) fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a caller may name this table, however it is spelled. What is no table's name may not be named.
    pub(crate) fn allow(&self, name: &str, databases: &Databases) -> bool {
        let dialect = databases.meta_dialect;
        let default_schema = databases.meta_schema.as_deref();
        // A name that tells its source is one of the inventory's, which leaves out the dialect's own schema.
        let named = match split_source(name) {
            Some((_, name)) => schema_and_table(name, dialect, None),
            None => schema_and_table(name, dialect, default_schema),
        };
        let Ok((schema, table)) = named else {
            return false;
        };
        self.0.iter().any(|pattern| {
            schema_and_table(pattern, dialect, default_schema).is_ok_and(
                |(schema_pattern, table_pattern)| {
                    matches(&schema_pattern, &schema) && matches(&table_pattern, &table)
                },
            )
        })
    }
}

/// Whether a name is the inventory's, by which jobs on the results of others are told.
pub(crate) fn is_inventory(name: &str, databases: &Databases) -> bool {
    let dialect = databases.inventory_dialect;
    let Ok(inventory) = schema_and_table(&databases.inventory_table, dialect, None) else {
        return false;
    };
    // In MySQL it is told without its database.
    let default_schema = (dialect == Dialect::Mysql).then_some(inventory.0.as_str());
    schema_and_table(name, dialect, default_schema).is_ok_and(|named| named == inventory)
}

/// Whether a text is as a pattern says, to the letter but for `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use batchintory::StatusLabels;

    use super::*;

    fn databases(dialect: Dialect, meta_schema: Option<&str>) -> Databases {
        Databases {
            inventory_dialect: dialect,
            meta_dialect: dialect,
            inventory_table: match dialect {
                Dialect::Mysql => "lake.inventory".into(),
                Dialect::Postgresql | Dialect::Sqlite => "inventory".into(),
            },
            meta_schema: meta_schema.map(str::to_owned),
            meta_name: None,
            one_database: false,
            may_repeat: true,
            status_labels: StatusLabels::default(),
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("files", "files", true),
            ("files", "files2", false),
            ("*", "", true),
            ("f*", "files", true),
            ("*s", "files", true),
            ("f*s", "fs", true),
            ("f*s", "f", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "x", true),
            ("aa*aa", "aaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_table_is_allowed_or_not_however_it_is_spelled() {
        let postgres = databases(Dialect::Postgresql, None);
        let in_lake = databases(Dialect::Postgresql, Some("lake"));
        let sqlite = databases(Dialect::Sqlite, None);
        let mysql = databases(Dialect::Mysql, Some("lake"));
        for (patterns, databases, allowed, refused) in [
            (
                "lake.*",
                &postgres,
                &[
                    "lake.files",
                    "\"lake\".\"files\"",
                    "a:lake.files",
                    ":lake.x",
                ][..],
                &[
                    "files",
                    "public.files",
                    "Lake.files",
                    "lake2.files",
                    "\"lake.files\"",
                    "a.b.c",
                    "",
                ][..],
            ),
            (
                "lake.*",
                &in_lake,
                &["files", "lake.files"],
                // Without a source's name, one in the inventory is in the dialect's own schema.
                &["public.files", ":files"],
            ),
            (
                "files, messages_*",
                &postgres,
                &["files", "public.files", "messages_1", ":files"],
                &["lake.files", "messages", "salaries"],
            ),
            ("Files", &sqlite, &["FILES", "main.files"], &["temp.files"]),
            (
                "lake.files",
                &mysql,
                &["files", "lake.files"],
                &["other.files", "LAKE.files", ":files"],
            ),
            ("*.*", &postgres, &["files", "lake.files"], &["a.b.c"]),
        ] {
            let tables = AllowedTables::read(patterns).unwrap();
            for name in allowed {
                assert!(tables.allow(name, databases), "{patterns}: {name}");
            }
            for name in refused {
                assert!(!tables.allow(name, databases), "{patterns}: {name}");
            }
        }
    }

    #[test]
    fn the_inventory_is_known_by_its_names() {
        let postgres = databases(Dialect::Postgresql, Some("lake"));
        assert!(is_inventory("inventory", &postgres));
        assert!(is_inventory("public.inventory", &postgres));
        assert!(!is_inventory("lake.inventory", &postgres));
        let mysql = databases(Dialect::Mysql, Some("lake"));
        assert!(is_inventory("inventory", &mysql) && !is_inventory("other.inventory", &mysql));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in ["a.b.c", "lake:files", ".files", "\"files"] {
            let Err(error) = AllowedTables::read(text) else {
                panic!("{text} must be refused");
            };
            assert!(error.contains("allowed-tables"), "{error}");
        }
        assert!(AllowedTables::read(" \n,").unwrap().are_all());
    }
}
