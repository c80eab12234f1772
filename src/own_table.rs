//! Tables that are no meta tables, whoever asks: the inventory, and what a database keeps of itself.
//!
//! What stands in them is not for whoever may hand items out: claim tokens, passwords' hashes, other
//! schemas' names.

use crate::database::Dialect;
use crate::error::Error;
use crate::sql::inventory::InventoryTable;
use crate::table_name::TableName;

/// Refuses a table that is none of the user's.
pub(crate) fn refuse(
    table: &TableName,
    dialect: Dialect,
    inventory: &InventoryTable,
) -> Result<(), Error> {
    let is_inventory = dialect == inventory.dialect && table.is_same_table(&inventory.name);
    if !is_inventory && !is_of_the_database(table, dialect) {
        return Ok(());
    }
    Err(Error::invalid_request(format!(
        "the table {:?} is no meta table: it is the inventory, whose results a job with `source-job` \
         processes, or belongs to the database itself; name another, or, where it is yours and lies \
         elsewhere, give the inventory another name",
        table.to_string()
    ))
    .of_field("meta-table")
    .of_table(table))
}

/// Whether the database made the table for itself. Names reach it as they are: PostgreSQL folds none,
/// SQLite's are folded already, and MySQL takes its own schemas' names in any case.
fn is_of_the_database(table: &TableName, dialect: Dialect) -> bool {
    let schema = table.schema();
    match dialect {
        Dialect::Postgresql => schema.starts_with("pg_") || schema == "information_schema",
        Dialect::Sqlite => {
            let table = table.table();
            table == "dbstat"
                || ["sqlite_", "pragma_"]
                    .iter()
                    .any(|start| table.starts_with(start))
        }
        Dialect::Mysql => ["mysql", "information_schema", "performance_schema", "sys"]
            .iter()
            .any(|own| schema.eq_ignore_ascii_case(own)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::StatusLabels;

    fn is_refused(name: &str, dialect: Dialect, inventory: &str) -> bool {
        let inventory = InventoryTable {
            name: TableName::of_inventory(inventory, dialect).unwrap(),
            dialect,
            labels: StatusLabels::default(),
        };
        let default_schema = (dialect == Dialect::Mysql).then_some("lake");
        let table = TableName::of(name, dialect, default_schema).unwrap();
        refuse(&table, dialect, &inventory).is_err()
    }

    #[test]
    fn the_inventory_and_the_databases_own_tables_are_refused_however_they_are_spelled() {
        for (dialect, inventory, refused, taken) in [
            (
                Dialect::Postgresql,
                "inventory",
                &[
                    "inventory",
                    "public.inventory",
                    "\"public\".\"inventory\"",
                    "pg_catalog.pg_authid",
                    "\"pg_catalog\".pg_class",
                    "pg_toast.x",
                    "information_schema.tables",
                ][..],
                &[
                    "files",
                    "Inventory",
                    "lake.inventory",
                    "pg_class",
                    "PG_CATALOG.x",
                ][..],
            ),
            (
                Dialect::Sqlite,
                "Inventory",
                &[
                    "inventory",
                    "MAIN.Inventory",
                    "sqlite_master",
                    "temp.SQLITE_Schema",
                    "\"sqlite_sequence\"",
                    "pragma_database_list",
                    "DbStat",
                ],
                &["files", "temp.inventory", "sqlite", "dbstats"],
            ),
            (
                Dialect::Mysql,
                "lake.inventory",
                &[
                    "inventory",
                    "lake.inventory",
                    "mysql.user",
                    "\"MySQL\".\"user\"",
                    "INFORMATION_SCHEMA.tables",
                    "Performance_Schema.threads",
                    "sys.session",
                ],
                &["files", "other.inventory", "mysql", "mysql_lake.files"],
            ),
        ] {
            for name in refused {
                assert!(is_refused(name, dialect, inventory), "{dialect:?} {name}");
            }
            for name in taken {
                assert!(!is_refused(name, dialect, inventory), "{dialect:?} {name}");
            }
        }
    }
}
