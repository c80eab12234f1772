//! Making the inventory table: `migrate` and `schema-statements`.

use crate::claim_token::ClaimToken;
use crate::database::{Database, Dialect, Settings, Source};
use crate::databases::{Databases, inventory_table};
use crate::error::Error;
use crate::interface::Migration;
use crate::refusal_code::Kind;
use crate::sql::Statement;

/// How often a statement is repeated when other processes make the same table at the same moment.
const MAX_ROUNDS: u32 = 10;

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

/// Makes the inventory table where it is missing, or one of ours where pybatchintory made it.
#[synchronous]
pub(crate) async fn migrate<D: Database>(databases: &Databases<'_, D>) -> Result<Migration, Error> {
    let inventory = &databases.inventory;
    let mut migration = Migration {
        created: false,
        upgraded: false,
    };
    match databases.try_inventory(inventory.probe()).await {
        Ok(_) => {}
        Err(failure) => match failure.kind {
            Kind::NoSuchTable => migration.created = true,
            Kind::NoSuchColumn => {
                let secret = ClaimToken::from_random(databases.random.random());
                upgrade(databases, &secret).await?;
                migration.upgraded = true;
            }
            _ => return Err(databases.inventory_error(failure)),
        },
    }
    for text in inventory.create(inventory.dialect) {
        execute(databases, without_parameters(text)).await?;
    }
    databases.inventory(inventory.probe()).await?;
    Ok(migration)
}

/// Makes a table of pybatchintory one of ours. Every step can be taken again, so a call that was cut
/// off, or another one at the same time, does no harm.
#[synchronous]
async fn upgrade<D: Database>(
    databases: &Databases<'_, D>,
    secret: &ClaimToken,
) -> Result<(), Error> {
    let inventory = &databases.inventory;
    databases.inventory(inventory.probe_for_upgrade()).await?;
    check_statuses(databases).await?;
    let names = inventory.list_values("meta_table");
    for name in databases.inventory_rows(names).await? {
        let name = name?;
        let normalised = databases.scope(&name).await?;
        if name != normalised {
            let statement = inventory.rename_meta_table(&name, &normalised);
            databases.inventory(statement).await?;
        }
    }
    for statement in inventory.upgrade(secret) {
        execute(databases, statement).await?;
    }
    Ok(())
}

/// Refuses a table with words for the status that have no meaning here: what failed would be taken for
/// processed.
#[synchronous]
async fn check_statuses<D: Database>(databases: &Databases<'_, D>) -> Result<(), Error> {
    let inventory = &databases.inventory;
    let labels = &inventory.labels;
    let known = [&labels.running, &labels.succeeded, &labels.failed];
    let statuses = inventory.list_values("status");
    for status in databases.inventory_rows(statuses).await? {
        let status = status?;
        if !known.contains(&&status) {
            return Err(Error::invalid_request(format!(
                "the inventory table {:?} has rows of the status {status:?}, but the words for it are set \
                 to {known:?}; nothing was changed: set them as they are in the table, or give \
                 those rows one of them",
                inventory.name.to_string()
            ))
            .of_field("status-labels")
            .of_table(&inventory.name)
            .of_column("status"));
        }
    }
    Ok(())
}

fn without_parameters(text: String) -> Statement {
    Statement {
        text,
        parameters: Vec::new(),
    }
}

/// Runs a statement that does nothing where its object is there. PostgreSQL looks whether it is
/// before it locks, so of two processes that make it at once one can still meet the other's; SQLite
/// cannot look for a column.
#[synchronous]
async fn execute<D: Database>(
    databases: &Databases<'_, D>,
    statement: Statement,
) -> Result<(), Error> {
    let mut last = None;
    for _ in 0..MAX_ROUNDS {
        let failure = match databases.try_inventory(statement.clone()).await {
            Ok(_) => return Ok(()),
            Err(failure) => failure,
        };
        match failure.kind {
            Kind::ColumnIsThere => return Ok(()),
            Kind::IsMade | Kind::Conflict | Kind::OutcomeUnknown => last = Some(failure),
            Kind::NoSuchTable => {
                return Err(Error::no_such_table(format!(
                    "the inventory table {:?} cannot be created; create its schema {:?} first ({})",
                    databases.inventory.name.to_string(),
                    databases.inventory.name.schema(),
                    failure.message
                ))
                .of_field("inventory-table")
                .of_table(&databases.inventory.name)
                .of_database(Source::Inventory, failure.code));
            }
            _ => return Err(databases.inventory_error(failure)),
        }
    }
    Err(match last {
        Some(failure) => databases.inventory_error(failure),
        None => Error::database("the inventory table cannot be created"),
    })
}
