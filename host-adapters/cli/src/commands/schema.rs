//! `batchintory schema`

use std::sync::Arc;

use batchintory_wasmtime::{Access, Dialect, connect};
use clap::{Args, ValueEnum};

use crate::error::{Code, Failure};
use crate::output::{print, print_json};
use crate::settings::Settings;

/// Print the statements that create the inventory table
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  batchintory schema postgresql | psql lake")]
pub struct Arguments {
    /// The database's SQL
    dialect: DialectName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DialectName {
    Postgresql,
    Sqlite,
}

/// Prints the statements. No database is asked.
pub async fn run(settings: &Settings, arguments: &Arguments, json: bool) -> Result<Code, Failure> {
    let nowhere = connect("sqlite::memory:", Access::Create).await?;
    let inventory = settings.builder().inventory(Arc::clone(&nowhere)).build()?;
    let dialect = match arguments.dialect {
        DialectName::Postgresql => Dialect::Postgresql,
        DialectName::Sqlite => Dialect::Sqlite,
    };
    let statements = inventory.schema_statements(dialect).await?;
    if json {
        print_json(&statements)?;
    } else {
        for statement in statements {
            print(format_args!("{statement};"))?;
        }
    }
    Ok(Code::Done)
}
