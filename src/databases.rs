//! One call's view of its two databases: sends statements, explains errors.

use std::sync::OnceLock;

use crate::database::{Database, DatabaseError, Dialect, Refusal, Rows, Settings, Source, Value};
use crate::error::Error;
use crate::interface::Settle;
use crate::job::Job;
use crate::row_reader::RowReader;
use crate::sql::Statement;
use crate::sql::inventory::InventoryTable;
use crate::table_name::{TableName, check_source};

/// The longest name of the inventory table, in bytes: names of indexes are made from it, and
/// PostgreSQL cuts names off at 63 bytes.
const MAX_INVENTORY_NAME_BYTES: usize = 48;

/// One call's view of its two databases.
pub(crate) struct Databases<'a, D> {
    database: &'a D,
    pub(crate) inventory: InventoryTable,
    pub(crate) meta_dialect: Dialect,
    /// Whether a statement on the inventory may read the meta tables.
    pub(crate) one_database: bool,
    pub(crate) meta_schema: Option<String>,
    /// The name of the meta tables' source.
    pub(crate) meta_name: Option<String>,
    /// The schema of meta tables by default as their server spells it, once it was asked.
    pub(crate) spelled_schema: OnceLock<Option<String>>,
    /// The inventory's name as its server spells it, once it was asked.
    pub(crate) spelled_inventory: OnceLock<TableName>,
}

impl<'a, D: Database> Databases<'a, D> {
    /// Asks for the settings and checks them.
    pub(crate) fn open(database: &'a D) -> Result<Self, Error> {
        let settings = database.settings();
        if let Some(source) = &settings.meta_name {
            check_source(source).map_err(Error::InvalidRequest)?;
        }
        Ok(Self {
            database,
            inventory: inventory_table(&settings)?,
            meta_dialect: settings.meta_dialect,
            one_database: settings.one_database,
            meta_schema: settings.meta_schema,
            meta_name: settings.meta_name,
            spelled_schema: OnceLock::new(),
            spelled_inventory: OnceLock::new(),
        })
    }

    /// Runs a statement on the inventory; the error is the database's own, since some of them are
    /// part of the protocol.
    pub(crate) async fn try_inventory(&self, statement: Statement) -> Result<Rows, DatabaseError> {
        self.database
            .query(Source::Inventory, statement.text, statement.parameters)
            .await
    }

    /// Runs a statement on the inventory.
    pub(crate) async fn inventory(&self, statement: Statement) -> Result<Rows, Error> {
        self.try_inventory(statement)
            .await
            .map_err(|error| self.inventory_error(error))
    }

    /// Runs a statement on the meta table of a job; the error is the database's own.
    pub(crate) async fn try_meta(
        &self,
        job: &Job,
        statement: Statement,
    ) -> Result<Rows, DatabaseError> {
        self.database
            .query(job.source, statement.text, statement.parameters)
            .await
    }

    /// Runs a statement on the meta table of a job.
    pub(crate) async fn meta(&self, job: &Job, statement: Statement) -> Result<Rows, Error> {
        self.try_meta(job, statement)
            .await
            .map_err(|error| meta_error(job, error))
    }

    /// Runs a statement that reads no table.
    pub(crate) async fn server(&self, on: Source, statement: Statement) -> Result<Rows, Error> {
        self.database
            .query(on, statement.text, statement.parameters)
            .await
            .map_err(|error| passing_error("database", error))
    }

    /// Lets so many milliseconds pass.
    pub(crate) async fn pause(&self, milliseconds: u32) {
        self.database.pause(milliseconds).await;
    }

    /// The first row of a statement on the inventory that tells where it ran, if it finds one.
    pub(crate) async fn inventory_row(
        &self,
        statement: Statement,
    ) -> Result<Option<RowReader>, Error> {
        let rows = self.inventory(statement).await?;
        RowReader::first(of_primary(rows, self.inventory.dialect, "inventory")?)
    }

    /// Runs a statement on the meta table that tells where it ran if the job settles.
    pub(crate) async fn source(&self, job: &Job, statement: Statement) -> Result<Rows, Error> {
        let rows = self.meta(job, statement).await?;
        match job.settle {
            Settle::None => Ok(rows),
            Settle::CommitOrder => of_primary(rows, job.dialect, "meta table"),
        }
    }

    /// Explains what a statement on the inventory met.
    pub(crate) fn inventory_error(&self, error: DatabaseError) -> Error {
        let table = &self.inventory.name;
        match error {
            DatabaseError::Failed(error) => match error.refusal {
                Refusal::NoSuchTable => Error::NoSuchTable(format!(
                    "the inventory table {table:?} does not exist; create it by `migrate` ({})",
                    error.message,
                    table = table.to_string(),
                )),
                Refusal::NoSuchColumn => Error::NoSuchColumn(format!(
                    "the table {table:?} is no inventory of this version, a column is missing; upgrade \
                     it by `migrate` where pybatchintory made it, else name another inventory table ({})",
                    error.message,
                    table = table.to_string(),
                )),
                _ if error.is_of_a_standby(self.inventory.dialect) => Error::Unavailable(format!(
                    "the inventory table {table:?} cannot be written to for now: the server takes no \
                     writes, as while another one takes its place; nothing was changed; where this \
                     lasts, give the primary's address ({})",
                    error.message,
                    table = table.to_string(),
                )),
                Refusal::ReadOnly | Refusal::NotPermitted => Error::Database(format!(
                    "the inventory table {table:?} cannot be written to; nothing was changed; use \
                     a database and a user that may write ({})",
                    error.message,
                    table = table.to_string(),
                )),
                Refusal::WrongType | Refusal::Other => Error::Database(format!(
                    "the inventory's database refused a statement: {}",
                    error.message
                )),
            },
            other => passing_error("inventory's database", other),
        }
    }
}

/// Explains what a statement on a meta table met.
pub(crate) fn meta_error(job: &Job, error: DatabaseError) -> Error {
    let table = job.meta_table.to_string();
    let DatabaseError::Failed(error) = error else {
        return passing_error("meta table's database", error);
    };
    let message = error.message;
    match error.refusal {
        Refusal::NoSuchTable => Error::NoSuchTable(format!(
            "the meta table {table:?} does not exist; check its name, its schema and which \
             database is meant ({message})"
        )),
        Refusal::NoSuchColumn => Error::NoSuchColumn(format!(
            "a column is missing in the meta table {table:?}; check the names of the uid, item and \
             weight columns and those in the filter ({message})"
        )),
        Refusal::WrongType => Error::InvalidRequest(format!(
            "a column of the meta table {table:?} has a type that does not fit: uid must be an \
             integer, weight a number ({message})"
        )),
        Refusal::NotPermitted => Error::Database(format!(
            "the meta table {table:?} must not be read by this user; grant SELECT on it ({message})"
        )),
        Refusal::ReadOnly | Refusal::Other => Error::Database(format!(
            "the meta table's database refused a statement on {table:?}: {message}"
        )),
    }
}

fn passing_error(database: &str, error: DatabaseError) -> Error {
    match error {
        DatabaseError::Unavailable(message) => {
            Error::Unavailable(format!("the {database} cannot be reached: {message}"))
        }
        DatabaseError::OutcomeUnknown(message) => Error::Unavailable(format!(
            "the {database} went away during a statement: {message}"
        )),
        DatabaseError::Retryable(message) => Error::Unavailable(format!(
            "the {database} is too busy, call again later: {message}"
        )),
        DatabaseError::Conflict(message) => Error::Database(format!(
            "the {database} reports a conflict where none can be: {message}"
        )),
        DatabaseError::Failed(error) => Error::Database(error.message),
    }
}

/// The rows that a statement finds which tells where it ran.
///
/// # Errors
///
/// [`Error::Database`] when that is a standby: what it does not have yet would be passed over, or handed out
/// again.
fn of_primary(mut rows: Rows, dialect: Dialect, read: &str) -> Result<Rows, Error> {
    if dialect == Dialect::Sqlite {
        return Ok(rows);
    }
    // PostgreSQL tells even where it finds nothing.
    let mut is_told = dialect == Dialect::Mysql;
    for row in &mut rows.rows {
        is_told = matches!(row.first(), Some(Value::Int64(0)));
        if !is_told {
            break;
        }
        row.remove(0);
    }
    if !is_told {
        return Err(Error::Database(format!(
            "the {read} was read from a standby server or replica, which may be behind; nothing was \
             handed out: give the primary server's address, and let no pooler send reads elsewhere"
        )));
    }
    if dialect == Dialect::Postgresql {
        rows.rows
            .retain(|row| !matches!(row.first(), Some(Value::Null)));
    }
    Ok(rows)
}

/// The inventory table that the settings name, once they are found sound.
pub(crate) fn inventory_table(settings: &Settings) -> Result<InventoryTable, Error> {
    let name = TableName::of_inventory(&settings.inventory_table, settings.inventory_dialect)
        .map_err(|message| {
            Error::InvalidRequest(format!("the inventory table's name: {message}"))
        })?;
    // MySQL has no default schema, so this one is it: the inventory is told alike everywhere.
    let name = match settings.inventory_dialect {
        Dialect::Mysql => name.in_default_schema(),
        Dialect::Postgresql | Dialect::Sqlite => name,
    };
    if name.table().len() > MAX_INVENTORY_NAME_BYTES {
        return Err(Error::InvalidRequest(format!(
            "the inventory table's name has {} bytes; at most {MAX_INVENTORY_NAME_BYTES} are allowed",
            name.table().len()
        )));
    }
    let labels = &settings.status_labels;
    let distinct = labels.running != labels.succeeded
        && labels.running != labels.failed
        && labels.succeeded != labels.failed;
    if !distinct {
        return Err(Error::InvalidRequest(
            "the labels of the inventory's status column must all differ".into(),
        ));
    }
    Ok(InventoryTable {
        name,
        dialect: settings.inventory_dialect,
        labels: labels.clone(),
    })
}
