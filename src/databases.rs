//! One call's view of its two databases: sends statements, reads rows, explains errors.

use std::sync::OnceLock;

use crate::database::{Database, DatabaseError, Dialect, Refusal, Rows, Settings, Source, Value};
use crate::error::Error;
use crate::interface::{AcquireRequest, Settle};
use crate::job::{self, Job};
use crate::recursion;
use crate::sql::inventory::InventoryTable;
use crate::sql::{self, Statement};
use crate::table_name::{Naming, TableName, check_source, split_source};

/// The longest name of the inventory table, in bytes: names of indexes are made from it, and
/// PostgreSQL cuts names off at 63 bytes.
const MAX_INVENTORY_NAME_BYTES: usize = 48;

/// One call's view of its two databases.
pub(crate) struct Databases<'a, D> {
    database: &'a D,
    pub(crate) inventory: InventoryTable,
    meta_dialect: Dialect,
    meta_schema: Option<String>,
    /// The name of the meta tables' source.
    meta_name: Option<String>,
    /// The schema of meta tables by default as their server spells it, once it was asked.
    spelled_schema: OnceLock<Option<String>>,
    /// The inventory's name as its server spells it, once it was asked.
    spelled_inventory: OnceLock<TableName>,
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
            meta_schema: settings.meta_schema,
            meta_name: settings.meta_name,
            spelled_schema: OnceLock::new(),
            spelled_inventory: OnceLock::new(),
        })
    }

    /// Checks a request of a caller's.
    pub(crate) async fn job(&self, request: &AcquireRequest) -> Result<Job, Error> {
        let meta_table = match request.source_job {
            Some(_) if request.meta_table == self.inventory.name.to_string() => {
                self.inventory_as_one_scope().await?.clone()
            }
            _ => self.meta_table(&request.meta_table).await?,
        };
        self.on_its_source(request, meta_table).await
    }

    /// Checks a request that was kept, on the table of this scope unless it names another.
    pub(crate) async fn job_as_kept(
        &self,
        request: &AcquireRequest,
        scope: &str,
    ) -> Result<Job, Error> {
        // The scope of a job on results is the inventory, which may be their table too.
        let meta_table = match request.source_job {
            None => self.of_scope(scope).await?,
            Some(_) => {
                let inventory = self.inventory_as_one_scope().await?;
                match request.meta_table == inventory.scope() {
                    true => inventory.clone(),
                    false => self.of_scope(&request.meta_table).await?,
                }
            }
        };
        self.on_its_source(request, meta_table).await
    }

    /// The job of a request on a table, or on the results of another job on it.
    async fn on_its_source(
        &self,
        request: &AcquireRequest,
        meta_table: TableName,
    ) -> Result<Job, Error> {
        let job = Job::parse(request, self.meta_dialect, meta_table)?;
        if let Some(source_job) = &request.source_job {
            let inventory = InventoryTable {
                name: self.inventory_as_one_scope().await?.clone(),
                ..self.inventory.clone()
            };
            return recursion::on_results_of(source_job, job, &inventory);
        }
        if let Some(source) = job.meta_table.elsewhere() {
            return Err(Error::InvalidRequest(format!(
                "the meta table {table:?} lies in the source {source:?}, but this process is \
                 connected to another one: ask one whose `meta-name` is that (where it is empty: one \
                 without), or write a part of the name that holds a colon in double quotes",
                table = job.meta_table.to_string()
            )));
        }
        Ok(job)
    }

    /// The scope that a caller means by the name of a table, or by a scope that it was told.
    pub(crate) async fn scope(&self, name: &str) -> Result<String, Error> {
        if name == self.inventory.name.to_string() {
            return Ok(self.inventory_as_one_scope().await?.scope());
        }
        Ok(match split_source(name) {
            Some(("", scope)) => scope.to_owned(),
            Some(_) => name.to_owned(),
            None => self.meta_table(name).await?.scope(),
        })
    }

    /// A scope as callers are told it: the name by which this process means the table.
    pub(crate) async fn told(&self, scope: String) -> Result<String, Error> {
        let inventory = self.inventory_as_one_scope().await?;
        if scope == inventory.scope() {
            return Ok(inventory.to_string());
        }
        Ok(match self.of_scope(&scope).await {
            Ok(table) => table.to_string(),
            // Such as that of a process whose tables have another dialect.
            Err(Error::InvalidRequest(_)) if split_source(&scope).is_some() => scope,
            Err(Error::InvalidRequest(_)) => format!(":{scope}"),
            Err(error) => return Err(error),
        })
    }

    /// A meta table as a caller names it, spelled as its server knows it.
    async fn meta_table(&self, name: &str) -> Result<TableName, Error> {
        let naming = self.naming(self.meta_schema.as_deref());
        let table = job::checked(TableName::of_meta_table(name, naming))?;
        if self.meta_dialect != Dialect::Mysql {
            return Ok(table);
        }
        let names = [
            Some(table.table()),
            Some(table.schema()),
            naming.default_schema,
        ];
        let mut names = self.spell(Source::Meta, &names).await?.into_iter();
        let [name, schema, default_schema] = [(); 3].map(|()| names.next().flatten());
        let default_schema = self.spelled_schema.get_or_init(|| default_schema);
        let table = table.spelled(name, schema, default_schema.as_deref());
        Ok(table)
    }

    /// A meta table by the name that the inventory keeps.
    async fn of_scope(&self, scope: &str) -> Result<TableName, Error> {
        let default_schema = match self.spelled_schema.get() {
            Some(known) => known,
            None => {
                let schema = [self.meta_schema.as_deref()];
                let spelled = match self.meta_dialect {
                    Dialect::Mysql => self.spell(Source::Meta, &schema).await?,
                    Dialect::Postgresql | Dialect::Sqlite => vec![self.meta_schema.clone()],
                };
                let spelled = spelled.into_iter().next().flatten();
                self.spelled_schema.get_or_init(|| spelled)
            }
        };
        let naming = self.naming(default_schema.as_deref());
        job::checked(TableName::of_scope(scope, naming))
    }

    fn naming<'n>(&'n self, default_schema: Option<&'n str>) -> Naming<'n> {
        Naming {
            dialect: self.meta_dialect,
            default_schema,
            source: self.meta_name.as_deref(),
        }
    }

    /// The inventory under the name that is its scope as a source.
    async fn inventory_as_one_scope(&self) -> Result<&TableName, Error> {
        if let Some(known) = self.spelled_inventory.get() {
            return Ok(known);
        }
        let name = self.inventory.name.clone();
        let name = match self.inventory.dialect {
            Dialect::Mysql => {
                let names = [Some(name.table()), Some(name.schema())];
                let mut names = self.spell(Source::Inventory, &names).await?.into_iter();
                let [table, schema] = [(); 2].map(|()| names.next().flatten());
                (name.spelled(table, schema, None)).in_default_schema()
            }
            Dialect::Postgresql | Dialect::Sqlite => name,
        };
        Ok(self.spelled_inventory.get_or_init(|| name))
    }

    /// Names as their MySQL server spells them. It takes names that differ in case for one where its
    /// files do: two spellings are then one scope.
    async fn spell(
        &self,
        on: Source,
        names: &[Option<&str>],
    ) -> Result<Vec<Option<String>>, Error> {
        let may_be_folded = |name: &&str| {
            name.bytes()
                .any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase())
        };
        if !(names.iter().flatten()).any(may_be_folded) {
            return Ok(names.iter().map(|name| name.map(str::to_owned)).collect());
        }
        let statement = sql::source::spell(names);
        let rows = self
            .database
            .query(on, statement.text, statement.parameters)
            .await
            .map_err(|error| passing_error("database", error))?;
        let mut row = RowReader::only(rows)?;
        names.iter().map(|_| row.optional_text()).collect()
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

/// Reads a row from its first column on. A host is not trusted to answer in the agreed types.
pub(crate) struct RowReader {
    values: std::vec::IntoIter<Value>,
}

impl RowReader {
    /// The only row.
    pub(crate) fn only(rows: Rows) -> Result<Self, Error> {
        Self::first(rows)?.ok_or_else(|| Error::Database("the host gave no row".into()))
    }

    /// The first row, if there is one.
    pub(crate) fn first(rows: Rows) -> Result<Option<Self>, Error> {
        Ok(Self::all(rows).next())
    }

    /// All rows.
    pub(crate) fn all(rows: Rows) -> impl Iterator<Item = Self> {
        rows.rows.into_iter().map(|row| Self {
            values: row.into_iter(),
        })
    }

    /// A column of type `bigint`.
    pub(crate) fn int(&mut self) -> Result<i64, Error> {
        self.optional_int()?.ok_or_else(|| unexpected("NULL"))
    }

    /// A column of type `bigint` that may be NULL.
    pub(crate) fn optional_int(&mut self) -> Result<Option<i64>, Error> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Int64(value) => Ok(Some(value)),
            other => Err(unexpected(type_name(&other))),
        }
    }

    /// A count: a `bigint` of 0 or more.
    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        u64::try_from(self.int()?).map_err(|_| unexpected("a negative count"))
    }

    /// A column of type `double precision`; NULL is 0.
    pub(crate) fn double(&mut self) -> Result<f64, Error> {
        match self.next()? {
            Value::Null => Ok(0.0),
            Value::Float64(value) => Ok(value),
            // SQLite's drivers give whole numbers as integers now and then.
            #[allow(clippy::cast_precision_loss)]
            Value::Int64(value) => Ok(value as f64),
            other => Err(unexpected(type_name(&other))),
        }
    }

    /// A column of type `text`.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        self.optional_text()?.ok_or_else(|| unexpected("NULL"))
    }

    /// A column of type `text` that may be NULL.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, Error> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            other => Err(unexpected(type_name(&other))),
        }
    }

    fn next(&mut self) -> Result<Value, Error> {
        self.values
            .next()
            .ok_or_else(|| unexpected("too few columns"))
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Boolean(_) => "a boolean",
        Value::Int64(_) => "an integer",
        Value::Float64(_) => "a number",
        Value::Text(_) => "text",
    }
}

/// What to say of an answer that no database gives.
pub(crate) fn unexpected(what: &str) -> Error {
    Error::Database(format!(
        "the database or its driver answered with {what} where something else was asked for; the \
         driver does not keep to the interface"
    ))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::database::StatusLabels;

    /// A MySQL server that says how it takes names, and counts how often it is asked.
    struct Server {
        folding: i64,
        asked: AtomicU32,
    }

    impl Database for Server {
        fn settings(&self) -> Settings {
            Settings {
                inventory_dialect: Dialect::Mysql,
                meta_dialect: Dialect::Mysql,
                inventory_table: "Lake.Inventory".into(),
                meta_schema: Some("Lake".into()),
                meta_name: None,
                status_labels: StatusLabels::default(),
            }
        }

        async fn pause(&self, _milliseconds: u32) {}

        async fn query(
            &self,
            _on: Source,
            statement: String,
            parameters: Vec<Value>,
        ) -> Result<Rows, DatabaseError> {
            assert!(
                statement.contains("@@lower_case_table_names"),
                "{statement}"
            );
            self.asked.fetch_add(1, Ordering::Relaxed);
            // Each name is there twice: as it is, and to be folded.
            let names = parameters.into_iter().step_by(2);
            let spelled = names.map(|name| match name {
                Value::Text(name) if self.folding != 0 => Value::Text(name.to_lowercase()),
                name => name,
            });
            Ok(Rows {
                rows: vec![spelled.collect()],
                affected: 0,
            })
        }
    }

    fn at_once<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing has to be waited for"),
        }
    }

    #[test]
    fn names_that_the_server_takes_for_one_are_one_scope() {
        for (folding, name, scope, told) in [
            (0, "Files", "Lake.Files", "Files"),
            (0, "Lake.Files", "Lake.Files", "Files"),
            (0, "lake.Files", "lake.Files", "lake.Files"),
            (1, "Files", "lake.files", "files"),
            (1, "files", "lake.files", "files"),
            (1, "LAKE.Files", "lake.files", "files"),
            (2, "Other.Files", "other.files", "other.files"),
        ] {
            let server = Server {
                folding,
                asked: AtomicU32::new(0),
            };
            let databases = Databases::open(&server).unwrap();
            let table = at_once(databases.meta_table(name)).unwrap();
            assert_eq!(
                (table.scope().as_str(), table.to_string().as_str()),
                (scope, told),
                "{name} where it says {folding}"
            );
            assert_eq!(at_once(databases.told(scope.into())).unwrap(), told);
            let told_again = at_once(databases.told(scope.into())).unwrap();
            assert_eq!(told_again, told);
            // The inventory's name has capitals, too.
            assert_eq!(server.asked.load(Ordering::Relaxed), 2, "{name}");
        }
    }

    #[test]
    fn the_inventory_is_one_scope_too() {
        let request = AcquireRequest {
            source_job: Some("up".into()),
            ..AcquireRequest::new("Files", "down")
        };
        for (folding, scope) in [(0, "Lake.Inventory"), (1, "lake.inventory")] {
            let server = Server {
                folding,
                asked: AtomicU32::new(0),
            };
            let databases = Databases::open(&server).unwrap();
            let job = at_once(databases.job(&request)).unwrap();
            assert_eq!(job.meta_table.scope(), scope);
            let told = at_once(databases.told(scope.into())).unwrap();
            assert_eq!(told, job.meta_table.to_string());
            assert_eq!(at_once(databases.scope(&told)).unwrap(), scope);
        }
    }
}
