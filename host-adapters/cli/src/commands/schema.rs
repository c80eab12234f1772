//! `batchintory schema`

use std::sync::Arc;

use batchintory_wasmtime::Dialect;
use clap::{Args, ValueEnum};

use crate::error::{Code, Failure};
use crate::output::{print, print_json};
use crate::settings::Settings;
use crate::unreachable::Unreachable;

/// Print the statements that create the inventory table
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  batchintory schema postgresql | psql lake
  batchintory schema mysql --inventory-schema lake | mariadb")]
pub struct Arguments {
    /// The database's SQL
    dialect: DialectName,
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
    let statements = inventory
        .schema_statements(dialect)
        .await
        .map_err(|error| {
            let failure = Failure::from(error);
            match dialect {
                Dialect::Mysql => failure.hint("name the database by --inventory-schema"),
                _ => failure,
            }
        })?;
    if json {
        print_json(&statements)?;
    } else {
        for statement in statements {
            print(format_args!("{statement};"))?;
        }
    }
    Ok(Code::Done)
}
