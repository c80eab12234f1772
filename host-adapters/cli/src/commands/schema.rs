//! `batchintory schema`

use std::sync::Arc;

use batchintory_wasmtime::{Dialect, Inventory};
use clap::{Args, ValueEnum};

use crate::error::{Code, Failure};
use crate::output::{print, print_json};
use crate::settings::Settings;
use crate::unreachable::Unreachable;

/// Print the statements that create the inventory table
///
/// With --notify, print instead those that have a meta table in PostgreSQL tell at once whoever waits for its rows
/// (`run --follow`) that some have come. Its owner runs them. Each transaction that inserts then notifies, and those
/// that do commit one after the other.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory schema postgresql | psql lake
  batchintory schema postgresql --notify --meta-table files | psql lake
  batchintory schema mysql --inventory-schema lake | mariadb")]
pub struct Arguments {
    /// The database's SQL
    dialect: DialectName,
    /// The statements for a meta table that tells of new rows instead (PostgreSQL)
    #[arg(long, requires = "meta_table")]
    notify: bool,
    /// That meta table: TABLE or SCHEMA.TABLE
    #[arg(long, value_name = "TABLE", requires = "notify")]
    meta_table: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DialectName {
    Postgresql,
    Sqlite,
    /// Also for MariaDB
    Mysql,
}

/// Prints the statements. No database is asked.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let dialect = match arguments.dialect {
        DialectName::Postgresql => Dialect::Postgresql,
        DialectName::Sqlite => Dialect::Sqlite,
        DialectName::Mysql => Dialect::Mysql,
    };
    let unasked = Arc::new(Unreachable::unasked(dialect, settings.inventory_url()));
    let inventory = settings.builder().inventory(unasked).build()?;
    let statements = match &arguments.meta_table {
        Some(meta_table) => notifying(&inventory, meta_table).await?,
        None => inventory
            .schema_statements(dialect)
            .await
            .map_err(|error| {
                let failure = Failure::from(error);
                match dialect {
                    Dialect::Mysql => failure.hint("name the database by --inventory-schema"),
                    _ => failure,
                }
            })?,
    };
    if json {
        print_json(&statements)?;
    } else {
        for statement in statements {
            print(format_args!("{statement};"))?;
        }
    }
    Ok(Code::Done)
}

/// The statements that have a meta table tell of new rows.
async fn notifying(inventory: &Inventory, meta_table: &str) -> Result<Vec<String>, Failure> {
    match inventory.notifications(meta_table).await? {
        Some(channel) => Ok(channel.statements),
        None => Err(Failure::usage(
            "only tables in PostgreSQL tell of new rows; with others, whoever waits asks again by the clock",
        )),
    }
}
