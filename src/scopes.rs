//! Which table is meant: by callers, by what is kept of a job, and by a server that folds names.

use crate::database::{Database, Dialect, Source};
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::AcquireRequest;
use crate::job::{self, Job};
use crate::own_table;
use crate::recursion;
use crate::sql;
use crate::sql::inventory::InventoryTable;
use crate::table_name::{Naming, TableName, split_source};

#[synchronous]
impl<D: Database> Databases<'_, D> {
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
        let inventory = InventoryTable {
            name: self.inventory_as_one_scope().await?.clone(),
            ..self.inventory.clone()
        };
        if let Some(source_job) = &request.source_job {
            return recursion::on_results_of(source_job, job, &inventory);
        }
        own_table::refuse(&job.meta_table, job.dialect, &inventory)?;
        if let Some(source) = job.meta_table.elsewhere() {
            return Err(Error::invalid_request(format!(
                "the meta table {table:?} lies in the source {source:?}, but this process is \
                 connected to another one: ask one whose `meta-name` is that (where it is empty: one \
                 without), or write a part of the name that holds a colon in double quotes",
                table = job.meta_table.to_string()
            ))
            .of_table(&job.meta_table));
        }
        Ok(job)
    }

    /// The scope that a caller means by the name of a table, or by a scope that it was told.
    pub(crate) async fn scope(&self, name: &str) -> Result<String, Error> {
        if name == self.inventory.name.to_string() {
            return Ok(self.inventory_as_one_scope().await?.scope());
        }
        let kept = match split_source(name) {
            None => return Ok(self.meta_table(name).await?.scope()),
            Some(("", scope)) => scope,
            Some(_) => name,
        };
        // Of this process's source it may be spelled in any way; of others it is what was told.
        match self.meta_table(name).await {
            Ok(table) if table.elsewhere().is_none() => Ok(table.scope()),
            Ok(_) | Err(Error::InvalidRequest(_)) => Ok(kept.to_owned()),
            Err(error) => Err(error),
        }
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
    pub(crate) async fn meta_table(&self, name: &str) -> Result<TableName, Error> {
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
        let spelled = sql::source::spell(names);
        spelled.rows.only(self.server(on, spelled.statement).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::database::{DatabaseError, Random, Rows, Settings, StatusLabels, Value};

    /// A MySQL server that says how it takes names, and counts how often it is asked.
    struct Server {
        folding: i64,
        source: Option<&'static str>,
        asked: AtomicU32,
    }

    impl Server {
        fn new(folding: i64, source: Option<&'static str>) -> Self {
            Self {
                folding,
                source,
                asked: AtomicU32::new(0),
            }
        }
    }

    /// Nothing here goes by chance.
    struct Untold;

    impl Random for Untold {
        fn random(&self) -> [u64; 2] {
            [0; 2]
        }
    }

    impl Database for Server {
        fn settings(&self) -> Settings {
            Settings {
                inventory_dialect: Dialect::Mysql,
                meta_dialect: Dialect::Mysql,
                inventory_table: "Lake.Inventory".into(),
                meta_schema: Some("Lake".into()),
                meta_name: self.source.map(str::to_owned),
                one_database: false,
                may_repeat: true,
                status_labels: StatusLabels::default(),
            }
        }

        async fn pause(&self, _milliseconds: u32) {}

        async fn query(
            &self,
            _on: Source,
            statement: &str,
            parameters: &[Value],
        ) -> Result<Rows, DatabaseError> {
            assert!(
                statement.contains("@@lower_case_table_names"),
                "{statement}"
            );
            self.asked.fetch_add(1, Ordering::Relaxed);
            // Each name is there twice: as it is, and to be folded.
            let names = parameters.iter().cloned().step_by(2);
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
            let server = Server::new(folding, None);
            let databases = Databases::open(&server, &Untold).unwrap();
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
    fn a_scope_is_asked_for_in_any_spelling_that_a_claim_takes() {
        for (source, name, scope) in [
            (Some("a"), "LAKE.Files", "a:lake.files"),
            (Some("a"), "a:LAKE.Files", "a:lake.files"),
            (Some("a"), "a:\"lake\".\"files\"", "a:lake.files"),
            (None, ":LAKE.Files", "lake.files"),
            // What another source's server makes of it is not known here.
            (Some("a"), "b:LAKE.Files", "b:LAKE.Files"),
            (Some("a"), ":LAKE.Files", "LAKE.Files"),
            (Some("a"), ":files", "files"),
            (None, "a:LAKE.Files", "a:LAKE.Files"),
        ] {
            let server = Server::new(1, source);
            let databases = Databases::open(&server, &Untold).unwrap();
            assert_eq!(at_once(databases.scope(name)).unwrap(), scope, "{name}");
        }
    }

    #[test]
    fn the_inventory_is_one_scope_too() {
        let request = AcquireRequest {
            source_job: Some("up".into()),
            ..AcquireRequest::new("Files", "down")
        };
        for (folding, scope) in [(0, "Lake.Inventory"), (1, "lake.inventory")] {
            let server = Server::new(folding, None);
            let databases = Databases::open(&server, &Untold).unwrap();
            let job = at_once(databases.job(&request)).unwrap();
            assert_eq!(job.meta_table.scope(), scope);
            let told = at_once(databases.told(scope.into())).unwrap();
            assert_eq!(told, job.meta_table.to_string());
            assert_eq!(at_once(databases.scope(&told)).unwrap(), scope);
        }
    }
}
