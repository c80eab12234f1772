//! Making the inventory table: `migrate` and `schema-statements`.

use crate::database::{Database, DatabaseError, Dialect, Refusal, Settings};
use crate::databases::{Databases, inventory_table};
use crate::error::Error;
use crate::interface::Migration;
use crate::sql::Statement;

/// How often a statement is repeated when other processes make the same table at the same moment.
const MAX_ROUNDS: u32 = 10;
/// PostgreSQL's codes for a table or an object that is there already.
const DUPLICATE: [&str; 2] = ["42P07", "42710"];

/// The statements that make the inventory table.
pub(crate) fn schema_statements<D: Database>(
    database: &D,
    dialect: Dialect,
) -> Result<Vec<String>, Error> {
    let settings = Settings {
        inventory_dialect: dialect,
        ..database.settings()
    };
    Ok(inventory_table(&settings)?.create(dialect))
}

/// Makes the inventory table where it is missing.
pub(crate) async fn migrate<D: Database>(database: &D) -> Result<Migration, Error> {
    let databases = Databases::open(database)?;
    let inventory = &databases.inventory;
    let created = match databases.try_inventory(inventory.probe()).await {
        Ok(_) => false,
        Err(DatabaseError::Failed(error)) if error.refusal == Refusal::NoSuchTable => true,
        Err(error) => return Err(databases.inventory_error(error)),
    };
    for text in inventory.create(inventory.dialect) {
        execute(&databases, text).await?;
    }
    databases.inventory(inventory.probe()).await?;
    Ok(Migration { created })
}

/// Runs a statement that does nothing where its object is there. PostgreSQL looks whether it is
/// before it locks, so of two processes that make it at once one can still meet the other's.
async fn execute<D: Database>(databases: &Databases<'_, D>, text: String) -> Result<(), Error> {
    let mut last = None;
    for _ in 0..MAX_ROUNDS {
        let statement = Statement {
            text: text.clone(),
            parameters: Vec::new(),
        };
        match databases.try_inventory(statement).await {
            Ok(_) => return Ok(()),
            Err(error) if is_duplicate(&error) => last = Some(error),
            Err(DatabaseError::Failed(error)) if error.refusal == Refusal::NoSuchTable => {
                return Err(Error::NoSuchTable(format!(
                    "the inventory table {:?} cannot be created; create its schema {:?} first ({})",
                    databases.inventory.name.to_string(),
                    databases.inventory.name.schema(),
                    error.message
                )));
            }
            Err(error) => return Err(databases.inventory_error(error)),
        }
    }
    Err(match last {
        Some(error) => databases.inventory_error(error),
        None => Error::Database("the inventory table cannot be created".into()),
    })
}

fn is_duplicate(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Conflict(_) | DatabaseError::OutcomeUnknown(_) => true,
        DatabaseError::Failed(error) => {
            (error.code.as_deref()).is_some_and(|code| DUPLICATE.contains(&code))
        }
        _ => false,
    }
}
