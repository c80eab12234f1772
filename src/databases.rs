//! One call's view of its two databases: sends statements, explains errors.

use std::sync::OnceLock;

use crate::backoff;
use crate::database::{Database, Dialect, Random, Rows, Settings, Source, Value};
use crate::error::Error;
use crate::interface::Settle;
use crate::job::Job;
use crate::refusal_code::{Failure, Kind};
use crate::sql::inventory::InventoryTable;
use crate::sql::{Statement, TypedStatement};
use crate::table_name::{TableName, check_source};

/// The longest name of the inventory table, in bytes: names of indexes are made from it, and
/// PostgreSQL cuts names off at 63 bytes.
const MAX_INVENTORY_NAME_BYTES: usize = 48;

/// One call's view of its two databases.
pub(crate) struct Databases<'a, D> {
    database: &'a D,
    pub(crate) random: &'a dyn Random,
    may_repeat: bool,
    pub(crate) inventory: InventoryTable,
    pub(crate) meta_dialect: Dialect,
    /// Whether a statement on the inventory may read the meta tables.
    pub(crate) one_database: bool,
    pub(crate) meta_schema: Option<String>,
    /// The name of the meta tables' source.
    pub(crate) meta_name: Option<String>,
    /// Whether the call has its turn among those that claim.
    has_turn: OnceLock<()>,
    /// The schema of meta tables by default as their server spells it, once it was asked.
    pub(crate) spelled_schema: OnceLock<Option<String>>,
    /// The inventory's name as its server spells it, once it was asked.
    pub(crate) spelled_inventory: OnceLock<TableName>,
}

#[synchronous]
impl<'a, D: Database> Databases<'a, D> {
    /// Asks for the settings and checks them.
    pub(crate) fn open(database: &'a D, random: &'a dyn Random) -> Result<Self, Error> {
        let settings = database.settings();
        if let Some(source) = &settings.meta_name {
            check_source(source)
                .map_err(|why| Error::invalid_request(why).of_field("meta-name"))?;
        }
        Ok(Self {
            database,
            random,
            may_repeat: settings.may_repeat,
            inventory: inventory_table(&settings)?,
            meta_dialect: settings.meta_dialect,
            one_database: settings.one_database,
            meta_schema: settings.meta_schema,
            meta_name: settings.meta_name,
            has_turn: OnceLock::new(),
            spelled_schema: OnceLock::new(),
            spelled_inventory: OnceLock::new(),
        })
    }

    /// Runs a statement, and again while it meets a passing conflict, which leaves nothing behind.
    async fn run(&self, on: Source, statement: &Statement) -> Result<Rows, Failure> {
        let dialect = match on {
            Source::Inventory => self.inventory.dialect,
            Source::Meta => self.meta_dialect,
        };
        let mut tries = 1;
        loop {
            let answer = (self.database)
                .query(on, &statement.text, &statement.parameters)
                .await;
            match answer.map_err(|error| Failure::of(error, dialect)) {
                Err(failure)
                    if failure.kind == Kind::Passing
                        && self.may_repeat
                        && tries < backoff::MAX_TRIES =>
                {
                    let pause = backoff::before_repeating(tries, self.random);
                    self.pause(pause).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Runs a statement on the inventory; the failure is the database's own, since some of them are
    /// part of the protocol.
    pub(crate) async fn try_inventory(&self, statement: Statement) -> Result<Rows, Failure> {
        self.run(Source::Inventory, &statement).await
    }

    /// Runs a statement on the inventory.
    pub(crate) async fn inventory(&self, statement: Statement) -> Result<Rows, Error> {
        self.try_inventory(statement)
            .await
            .map_err(|error| self.inventory_error(error))
    }

    /// Runs a statement on the meta table of a job; the failure is the database's own.
    pub(crate) async fn try_meta(&self, job: &Job, statement: Statement) -> Result<Rows, Failure> {
        self.run(job.source, &statement).await
    }

    /// Runs a statement on the meta table of a job.
    pub(crate) async fn meta(&self, job: &Job, statement: Statement) -> Result<Rows, Error> {
        self.try_meta(job, statement)
            .await
            .map_err(|error| meta_error(job, error))
    }

    /// Runs a statement that reads no table.
    pub(crate) async fn server(&self, on: Source, statement: Statement) -> Result<Rows, Error> {
        (self.run(on, &statement).await).map_err(|failure| passing_error(None, failure))
    }

    /// Waits for the call's turn among those that claim from the job, unless it has it.
    pub(crate) async fn claim_turn(&self, job: &Job) {
        if self.has_turn.set(()).is_ok() {
            let scope = format!("{}\n{}", job.meta_table.scope(), job.name);
            self.database.claim_turn(&scope).await;
        }
    }

    /// Lets so many milliseconds pass.
    pub(crate) async fn pause(&self, milliseconds: u32) {
        self.database.pause(milliseconds).await;
    }

    /// The rows of a statement on the inventory.
    pub(crate) async fn inventory_rows<T>(
        &self,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<impl Iterator<Item = Result<T, Error>>, Error> {
        Ok(rows.all(self.inventory(statement).await?))
    }

    /// The only row of a statement on the inventory.
    pub(crate) async fn inventory_row<T>(
        &self,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<T, Error> {
        rows.only(self.inventory(statement).await?)
    }

    /// The first row of a statement on the inventory that tells where it ran, if it finds one.
    pub(crate) async fn first_on_primary<T>(
        &self,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<Option<T>, Error> {
        let answer = self.inventory(statement).await?;
        rows.first(of_primary(
            answer,
            self.inventory.dialect,
            Source::Inventory,
        )?)
    }

    /// The only row of a statement on the meta table of a job.
    pub(crate) async fn meta_row<T>(
        &self,
        job: &Job,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<T, Error> {
        rows.only(self.meta(job, statement).await?)
    }

    /// The first row of a statement on the meta table of a job, if it finds one.
    pub(crate) async fn first_meta_row<T>(
        &self,
        job: &Job,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<Option<T>, Error> {
        rows.first(self.meta(job, statement).await?)
    }

    /// The only row of a statement on the meta table that tells where it ran if the job settles.
    pub(crate) async fn source_row<T>(
        &self,
        job: &Job,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<T, Error> {
        rows.only(self.source(job, statement).await?)
    }

    /// The rows of a statement on the meta table that tells where it ran if the job settles.
    pub(crate) async fn source_rows<T>(
        &self,
        job: &Job,
        TypedStatement { statement, rows }: TypedStatement<T>,
    ) -> Result<impl Iterator<Item = Result<T, Error>>, Error> {
        Ok(rows.all(self.source(job, statement).await?))
    }

    /// Runs a statement on the meta table that tells where it ran if the job settles.
    async fn source(&self, job: &Job, statement: Statement) -> Result<Rows, Error> {
        let rows = self.meta(job, statement).await?;
        match job.settle {
            Settle::None => Ok(rows),
            Settle::CommitOrder => of_primary(rows, job.dialect, Source::Meta),
        }
    }

    /// Explains what a statement on the inventory met.
    pub(crate) fn inventory_error(&self, failure: Failure) -> Error {
        let table = self.inventory.name.to_string();
        let Failure { kind, message, .. } = &failure;
        let error = match kind {
            Kind::NoSuchTable => Error::no_such_table(format!(
                "the inventory table {table:?} does not exist; create it by `migrate` ({message})"
            )),
            Kind::NoSuchColumn => Error::no_such_column(format!(
                "the table {table:?} is no inventory of this version, a column is missing; upgrade \
                 it by `migrate` where pybatchintory made it, else name another inventory table ({message})"
            )),
            Kind::Standby => Error::unavailable(format!(
                "the inventory table {table:?} cannot be written to for now: the server takes no \
                 writes, as while another one takes its place; nothing was changed; where this \
                 lasts, give the primary's address ({message})"
            )),
            Kind::ReadOnly | Kind::NotPermitted => Error::database(format!(
                "the inventory table {table:?} cannot be written to; nothing was changed; use \
                 a database and a user that may write ({message})"
            )),
            _ => return passing_error(Some(Source::Inventory), failure).of_table(&table),
        };
        (error.of_table(&table)).of_database(Source::Inventory, failure.code)
    }
}

/// Explains what a statement on a meta table met.
pub(crate) fn meta_error(job: &Job, failure: Failure) -> Error {
    let table = job.meta_table.to_string();
    let Failure { kind, message, .. } = &failure;
    let error = match kind {
        Kind::NoSuchTable => Error::no_such_table(format!(
            "the meta table {table:?} does not exist; check its name, its schema and which \
             database is meant ({message})"
        )),
        Kind::NoSuchColumn => Error::no_such_column(format!(
            "a column is missing in the meta table {table:?}; check the names of the uid, item and \
             weight columns and those in the filter ({message})"
        )),
        Kind::WrongType | Kind::WrongValue => Error::invalid_request(format!(
            "a column of the meta table {table:?} has a type that does not fit: uid must be an \
             integer, weight a number ({message})"
        )),
        Kind::NotPermitted => Error::database(format!(
            "the meta table {table:?} must not be read by this user; grant SELECT on it ({message})"
        )),
        kind if kind.is_refusal() => Error::database(format!(
            "the meta table's database refused a statement on {table:?}: {message}"
        )),
        _ => return passing_error(Some(Source::Meta), failure).of_table(&table),
    };
    (error.of_table(&table)).of_database(Source::Meta, failure.code)
}

/// Explains what is about no table.
fn passing_error(on: Option<Source>, failure: Failure) -> Error {
    let database = match on {
        Some(Source::Inventory) => "inventory's database",
        Some(Source::Meta) => "meta table's database",
        None => "database",
    };
    let Failure {
        kind,
        message,
        code,
    } = failure;
    let error = match kind {
        Kind::Unavailable => {
            Error::unavailable(format!("the {database} cannot be reached: {message}"))
        }
        Kind::OutcomeUnknown => Error::unavailable(format!(
            "the {database} went away during a statement: {message}"
        )),
        Kind::Passing => Error::unavailable(format!(
            "the {database} is too busy, call again later: {message}"
        )),
        Kind::Conflict => Error::database(format!(
            "the {database} reports a conflict where none can be: {message}"
        )),
        _ => Error::database(format!("the {database} refused a statement: {message}")),
    };
    match on {
        Some(on) => error.of_database(on, code),
        None => error,
    }
}

/// The rows that a statement finds which tells where it ran.
///
/// # Errors
///
/// [`Error::Unavailable`] when that is a [standby](of_standby).
fn of_primary(mut rows: Rows, dialect: Dialect, on: Source) -> Result<Rows, Error> {
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
        return Err(of_standby(on));
    }
    if dialect == Dialect::Postgresql {
        rows.rows
            .retain(|row| !matches!(row.first(), Some(Value::Null)));
    }
    Ok(rows)
}

/// What a server answered that is a standby: it lacks what it does not have yet, and does not tell which
/// transactions run. It may be about to take the primary's place.
pub(crate) fn of_standby(on: Source) -> Error {
    let read = match on {
        Source::Inventory => "inventory",
        Source::Meta => "meta table",
    };
    Error::unavailable(format!(
        "the {read} was read from a standby server or replica, which may be behind, as while one takes the \
         primary's place; nothing was handed out: where this lasts, give the primary server's address, and \
         let no pooler send reads elsewhere"
    ))
    .of_database(on, String::new())
}

/// The inventory table that the settings name, once they are found sound.
pub(crate) fn inventory_table(settings: &Settings) -> Result<InventoryTable, Error> {
    let name = TableName::of_inventory(&settings.inventory_table, settings.inventory_dialect)
        .map_err(|message| {
            Error::invalid_request(format!("the inventory table's name: {message}"))
                .of_field("inventory-table")
        })?;
    // MySQL has no default schema, so this one is it: the inventory is told alike everywhere.
    let name = match settings.inventory_dialect {
        Dialect::Mysql => name.in_default_schema(),
        Dialect::Postgresql | Dialect::Sqlite => name,
    };
    if name.table().len() > MAX_INVENTORY_NAME_BYTES {
        return Err(Error::invalid_request(format!(
            "the inventory table's name has {} bytes; at most {MAX_INVENTORY_NAME_BYTES} are allowed",
            name.table().len()
        ))
        .of_field("inventory-table")
        .with_limit(MAX_INVENTORY_NAME_BYTES));
    }
    let labels = &settings.status_labels;
    let distinct = labels.running != labels.succeeded
        && labels.running != labels.failed
        && labels.succeeded != labels.failed;
    if !distinct {
        return Err(Error::invalid_request(
            "the labels of the inventory's status column must all differ",
        )
        .of_field("status-labels"));
    }
    Ok(InventoryTable {
        name,
        dialect: settings.inventory_dialect,
        labels: labels.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::database::{DatabaseError, StatusLabels};

    /// A database that gives these answers, the last of them for ever.
    struct Answering {
        answers: Vec<Result<Rows, DatabaseError>>,
        may_repeat: bool,
        asked: Mutex<usize>,
        pauses: Mutex<Vec<u32>>,
    }

    impl Database for Answering {
        fn settings(&self) -> Settings {
            Settings {
                inventory_dialect: Dialect::Postgresql,
                meta_dialect: Dialect::Sqlite,
                inventory_table: "inventory".into(),
                meta_schema: None,
                meta_name: None,
                one_database: false,
                may_repeat: self.may_repeat,
                status_labels: StatusLabels::default(),
            }
        }

        async fn pause(&self, milliseconds: u32) {
            self.pauses.lock().unwrap().push(milliseconds);
        }

        async fn query(&self, _: Source, _: &str, _: &[Value]) -> Result<Rows, DatabaseError> {
            let mut asked = self.asked.lock().unwrap();
            let answer = &self.answers[(*asked).min(self.answers.len() - 1)];
            *asked += 1;
            answer.clone()
        }
    }

    /// The longest of all pauses.
    struct Longest;

    impl Random for Longest {
        fn random(&self) -> [u64; 2] {
            // One less than a multiple of each bound of a pause.
            [256 * 125 - 1; 2]
        }
    }

    fn refused(code: &str) -> Result<Rows, DatabaseError> {
        Err(DatabaseError::refused(code, "why"))
    }

    /// How often a statement is sent that is answered so, and how long is paused.
    fn sent(on: Source, may_repeat: bool, answers: &[Result<Rows, DatabaseError>]) -> Vec<u32> {
        let database = Answering {
            answers: answers.to_vec(),
            may_repeat,
            asked: Mutex::default(),
            pauses: Mutex::default(),
        };
        let databases = Databases::open(&database, &Longest).unwrap();
        let statement = Statement {
            text: "SELECT 1".into(),
            parameters: Vec::new(),
        };
        let answer = pin!(databases.run(on, &statement))
            .poll(&mut Context::from_waker(Waker::noop()))
            .map(|answer| answer.map_err(|failure| failure.kind));
        let asked = *database.asked.lock().unwrap();
        let last = &answers[(asked - 1).min(answers.len() - 1)];
        let last = last.clone().map_err(|error| {
            error.kind(match on {
                Source::Inventory => Dialect::Postgresql,
                Source::Meta => Dialect::Sqlite,
            })
        });
        assert_eq!(answer, Poll::Ready(last));
        let pauses = database.pauses.lock().unwrap().clone();
        assert_eq!(pauses.len() + 1, asked, "a pause between two of them");
        pauses
    }

    #[test]
    fn passing_conflicts_are_repeated_in_vain_only_so_often() {
        let pauses = [2, 4, 8, 16, 32, 64, 128, 256, 500];
        let serialization_failure = refused("40001");
        assert_eq!(
            sent(Source::Inventory, true, &[serialization_failure]),
            pauses
        );
        assert_eq!(sent(Source::Meta, true, &[refused("5")]), pauses);
    }

    #[test]
    fn a_conflict_that_has_passed_is_forgotten() {
        let answers = [refused("40P01"), refused("55P03"), Ok(Rows::default())];
        assert_eq!(sent(Source::Inventory, true, &answers), [2, 4]);
    }

    #[test]
    fn nothing_else_is_sent_again() {
        for answer in [
            Ok(Rows::default()),
            refused("23505"),
            refused("57P01"),
            // SQLite's, on a database that is none.
            refused("5"),
            Err(DatabaseError::OutcomeUnknown("lost".into())),
            Err(DatabaseError::Unavailable("away".into())),
        ] {
            assert_eq!(sent(Source::Inventory, true, &[answer]), [0; 0]);
        }
        assert_eq!(sent(Source::Inventory, false, &[refused("40001")]), [0; 0]);
    }
}
