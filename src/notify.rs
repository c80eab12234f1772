//! What wakes whoever waits for rows of a meta table.

use crate::database::{Database, Dialect};
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::NotifyChannel;
use crate::sql::notify::{channel, triggers};

/// The channel on which a meta table's database tells that rows have come, if it is one that can.
#[synchronous]
pub(crate) async fn notifications<D: Database>(
    databases: &Databases<'_, D>,
    meta_table: &str,
) -> Result<Option<NotifyChannel>, Error> {
    if databases.meta_dialect != Dialect::Postgresql {
        return Ok(None);
    }
    let table = databases.meta_table(meta_table).await?;
    if table.elsewhere().is_some() {
        return Ok(None);
    }
    let name = channel(&table);
    Ok(Some(NotifyChannel {
        statements: triggers(&table, &name),
        name,
    }))
}
