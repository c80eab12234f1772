//! The inventory as one caller may use it, and is told of it.

use std::cell::{Cell, RefCell};

use batchintory::{
    AcquireRequest, Acquisition, Attempt, AuditPage, Batch, BatchPlan, Dialect, Error,
    HistoryQuery, Item, JobProgress, JobSummary, JobsQuery, Migration, Outcome, RequeueTarget,
    Settings as Databases,
};

use crate::allowed_tables::{AllowedTables, is_inventory};
use crate::inventory::Inventory;
use crate::notices::Notices;

/// How long a line of the log may be, in characters: words may quote what was sent.
const LONGEST_LINE: usize = 2_000;

/// An inventory that lets a caller name the tables that are allowed alone; that tells the database's own
/// words to those who are known, and to the log; and that knows afterwards which table was named.
pub(crate) struct CallersInventory<'a, I, N> {
    pub(crate) inventory: &'a I,
    pub(crate) notices: &'a N,
    pub(crate) tables: &'a AllowedTables,
    /// Whether the caller is told the database's own words.
    pub(crate) tells_words: bool,
    named: RefCell<Option<String>>,
    is_refused: Cell<bool>,
}

impl<'a, I: Inventory, N: Notices> CallersInventory<'a, I, N> {
    pub(crate) fn new(
        inventory: &'a I,
        notices: &'a N,
        tables: &'a AllowedTables,
        tells_words: bool,
    ) -> Self {
        Self {
            inventory,
            notices,
            tables,
            tells_words,
            named: RefCell::default(),
            is_refused: Cell::default(),
        }
    }

    /// The meta table that the caller named last.
    pub(crate) fn named(&self) -> Option<String> {
        self.named.borrow().clone()
    }

    /// Whether the caller named a table that must not be named.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.get()
    }

    fn name(&self, meta_table: &str, may_be_inventory: bool) -> Result<(), Error> {
        self.named.replace(Some(meta_table.to_owned()));
        if self.tables.are_all() {
            return Ok(());
        }
        let databases = self.inventory.databases();
        if self.tables.allow(meta_table, &databases)
            || (may_be_inventory && is_inventory(meta_table, &databases))
        {
            return Ok(());
        }
        self.is_refused.set(true);
        Err(Error::invalid_request(format!(
            "the meta table {meta_table:?} is not among those that callers may name; whoever runs the \
             service lists them"
        ))
        .of_field("meta-table")
        .of_table(&meta_table))
    }

    fn name_in(&self, request: &AcquireRequest) -> Result<(), Error> {
        self.name(&request.meta_table, request.source_job.is_some())
    }

    /// What the caller is told, and the log beside. `secret` is a claim token, which no log may hold.
    fn told<T>(&self, answer: Result<T, Error>, secret: Option<&str>) -> Result<T, Error> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_trouble = matches!(error, Error::Database(_) | Error::Unavailable(_));
        if is_trouble || !self.tells_words {
            let message = match secret {
                Some(secret) if !secret.is_empty() => error.message().replace(secret, "…"),
                _ => error.message().to_owned(),
            };
            let line = format!("{}: {message}", error.name());
            self.notices.trouble(&on_one_line(&line));
        }
        match self.tells_words {
            true => Err(error),
            false => Err(without_words(&error)),
        }
    }

    /// The same, of what is listed from the inventory alone. That a request is wrong is about what was asked
    /// for, and quotes nothing else.
    fn listed<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        match answer {
            Err(error @ Error::InvalidRequest(_)) => Err(error),
            answer => self.told(answer, None),
        }
    }
}

/// A text that keeps to its line in a log, whatever is quoted in it.
fn on_one_line(text: &str) -> String {
    let shown = text.chars().take(LONGEST_LINE);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The same error in words that tell nothing of the database.
fn without_words(error: &Error) -> Error {
    let log = "the service's log says more";
    match error {
        Error::NoSuchTable(_) => Error::no_such_table(format!(
            "the inventory table, or one that it names, does not exist; create the inventory by `migrate`; {log}"
        )),
        Error::NoSuchColumn(_) => {
            Error::no_such_column(format!("a table lacks a column that is needed; {log}"))
        }
        Error::Unavailable(_) => {
            Error::unavailable(format!("the database cannot be reached for now; {log}"))
        }
        Error::ExhaustedRetries(_) => {
            Error::exhausted_retries("others were faster every time; ask again later")
        }
        Error::Database(_) => Error::database(format!("the database refused a statement; {log}")),
        Error::InvalidRequest(_) => {
            Error::invalid_request(format!("what is asked for is not allowed; {log}"))
        }
        Error::NoSuchBatch(_) => Error::no_such_batch("no batch has this claim token"),
        Error::Superseded(_) => Error::superseded(log),
        Error::ConfigurationChanged(_) => Error::configuration_changed(log),
    }
}

impl<I: Inventory, N: Notices> Inventory for CallersInventory<'_, I, N> {
    fn databases(&self) -> Databases {
        self.inventory.databases()
    }

    fn acquire(
        &self,
        request: AcquireRequest,
        claim_token: Option<&str>,
    ) -> Result<Acquisition, Error> {
        self.name_in(&request)?;
        self.told(self.inventory.acquire(request, claim_token), claim_token)
    }

    fn acquire_many(
        &self,
        request: AcquireRequest,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<Vec<Batch>, Error> {
        self.name_in(&request)?;
        let answer = self.inventory.acquire_many(request, batches, claim_token);
        self.told(answer, claim_token)
    }

    fn items(&self, claim_token: &str, after: Option<i64>, limit: u32) -> Result<Vec<Item>, Error> {
        let answer = self.inventory.items(claim_token, after, limit);
        self.told(answer, Some(claim_token))
    }

    fn heartbeat(&self, claim_token: &str, lease_seconds: u32) -> Result<(), Error> {
        let answer = self.inventory.heartbeat(claim_token, lease_seconds);
        self.told(answer, Some(claim_token))
    }

    fn complete(&self, claim_token: &str, outcome: Outcome) -> Result<(), Error> {
        let answer = self.inventory.complete(claim_token, outcome);
        self.told(answer, Some(claim_token))
    }

    fn plan(
        &self,
        request: AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<BatchPlan, Error> {
        self.name_in(&request)?;
        self.told(self.inventory.plan(request, after, batches), None)
    }

    fn progress(&self, request: AcquireRequest, cap: u64) -> Result<JobProgress, Error> {
        self.name_in(&request)?;
        self.told(self.inventory.progress(request, cap), None)
    }

    fn warnings(&self, request: AcquireRequest) -> Result<Vec<String>, Error> {
        self.name_in(&request)?;
        self.told(self.inventory.warnings(request), None)
    }

    fn requeue(&self, meta_table: &str, job: &str, target: RequeueTarget) -> Result<u64, Error> {
        self.name(meta_table, true)?;
        self.told(self.inventory.requeue(meta_table, job, target), None)
    }

    fn audit(
        &self,
        meta_table: &str,
        job: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, Error> {
        self.name(meta_table, true)?;
        self.told(self.inventory.audit(meta_table, job, after, limit), None)
    }

    fn jobs(&self, mut query: JobsQuery) -> Result<Vec<JobSummary>, Error> {
        let most = query.limit as usize;
        let databases = (!self.tables.are_all()).then(|| self.inventory.databases());
        let mut jobs = Vec::new();
        loop {
            let page = self.listed(self.inventory.jobs(query.clone()))?;
            // A page of others' jobs is not the end.
            query.after = page.last().map(JobSummary::place);
            let is_allowed = |job: &JobSummary| {
                databases.as_ref().is_none_or(|databases| {
                    let table = &job.meta_table;
                    self.tables.allow(table, databases) || is_inventory(table, databases)
                })
            };
            jobs.extend(page.into_iter().filter(is_allowed));
            if databases.is_none() || query.after.is_none() || jobs.len() >= most {
                jobs.truncate(most);
                return Ok(jobs);
            }
        }
    }

    fn history(&self, query: HistoryQuery) -> Result<Vec<Attempt>, Error> {
        if let Some(meta_table) = &query.meta_table {
            self.name(meta_table, true)?;
        }
        self.listed(self.inventory.history(query))
    }

    fn schema_statements(&self, dialect: Dialect) -> Result<Vec<String>, Error> {
        self.told(self.inventory.schema_statements(dialect), None)
    }

    fn migrate(&self) -> Result<Migration, Error> {
        self.told(self.inventory.migrate(), None)
    }
}
