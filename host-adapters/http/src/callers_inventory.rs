//! The inventory as one caller may use it, and is told of it.

use std::cell::{Cell, RefCell};
use std::future::ready;

use batchintory::{
    Advanced, Answer, Call, Error, JobSummary, JobsQuery, Operations, Settings as Databases,
};

use crate::allowed_tables::{AllowedTables, is_inventory};
use crate::inventory::{AnyInventory, Inventory};
use crate::notices::Notices;

/// How long a line of the log may be, in characters: words may quote what was sent.
const LONGEST_LINE: usize = 2_000;

/// An inventory that lets a caller name the tables that are allowed alone; that tells the database's own
/// words to those who are known, and to the log; and that knows afterwards which table was named.
pub(crate) struct CallersInventory<'a> {
    inventory: &'a dyn AnyInventory,
    notices: &'a dyn Notices,
    tables: &'a AllowedTables,
    /// Whether the caller is told the database's own words.
    tells_words: bool,
    named: RefCell<Option<String>>,
    is_refused: Cell<bool>,
}

impl<'a> CallersInventory<'a> {
    pub(crate) fn new(
        inventory: &'a dyn AnyInventory,
        notices: &'a dyn Notices,
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

    /// Makes a call for the caller.
    fn answer(&self, call: Call) -> Result<Answer, Error> {
        if let Some((meta_table, may_be_inventory)) = named(&call) {
            self.name(meta_table, may_be_inventory)?;
        }
        let secrets = secrets(&call);
        match call {
            Call::Jobs { query } => self.allowed_jobs(query).map(Answer::Jobs),
            Call::History { .. } => self.listed(self.inventory.answer(call)),
            call => match self.told(self.inventory.answer(call), &secrets)? {
                // The error of its claim is part of the answer, and told as all errors are.
                Answer::Advance(Advanced { next }) => {
                    let next = self.told(next, &secrets);
                    Ok(Answer::Advance(Advanced { next }))
                }
                answer => Ok(answer),
            },
        }
    }

    /// Jobs on tables that the caller may name.
    fn allowed_jobs(&self, mut query: JobsQuery) -> Result<Vec<JobSummary>, Error> {
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

    /// What the caller is told, and the log beside, which may not hold these claim tokens.
    fn told<T>(&self, answer: Result<T, Error>, secrets: &[String]) -> Result<T, Error> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_trouble = matches!(error, Error::Database(_) | Error::Unavailable(_));
        if is_trouble || !self.tells_words {
            let secrets = secrets.iter().filter(|secret| !secret.is_empty());
            let message = secrets.fold(error.message().to_owned(), |message, secret| {
                message.replace(secret, "…")
            });
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
            answer => self.told(answer, &[]),
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

/// The meta table that a call names, and whether it may be the inventory: what is in it, to look at or to hand
/// out again.
fn named(call: &Call) -> Option<(&str, bool)> {
    match call {
        Call::Acquire { request, .. }
        | Call::Advance { request, .. }
        | Call::AcquireMany { request, .. }
        | Call::Plan { request, .. }
        | Call::Progress { request, .. }
        | Call::Warnings { request } => Some((&request.meta_table, request.source_job.is_some())),
        Call::Requeue { meta_table, .. } | Call::Audit { meta_table, .. } => {
            Some((meta_table, true))
        }
        Call::Notifications { meta_table } => Some((meta_table, false)),
        Call::History { query } => query.meta_table.as_deref().map(|table| (table, true)),
        // What is listed is filtered.
        Call::Jobs { .. } => None,
        Call::Batch { .. }
        | Call::Items { .. }
        | Call::ItemsStatement { .. }
        | Call::Heartbeat { .. }
        | Call::Complete { .. }
        | Call::Release { .. }
        | Call::SchemaStatements { .. }
        | Call::Migrate {} => None,
    }
}

/// The claim tokens of a call, which no log may hold.
fn secrets(call: &Call) -> Vec<String> {
    let (token, of_the_last) = match call {
        Call::Acquire { claim_token, .. } | Call::AcquireMany { claim_token, .. } => {
            (claim_token.as_ref(), None)
        }
        Call::Advance {
            claim_token, done, ..
        } => (
            claim_token.as_ref(),
            done.as_ref().map(|done| &done.claim_token),
        ),
        Call::Batch { claim_token }
        | Call::Items { claim_token, .. }
        | Call::ItemsStatement { claim_token }
        | Call::Heartbeat { claim_token, .. }
        | Call::Complete { claim_token, .. }
        | Call::Release { claim_token, .. } => (Some(claim_token), None),
        Call::Plan { .. }
        | Call::Progress { .. }
        | Call::Warnings { .. }
        | Call::Requeue { .. }
        | Call::Audit { .. }
        | Call::Jobs { .. }
        | Call::History { .. }
        | Call::SchemaStatements { .. }
        | Call::Notifications { .. }
        | Call::Migrate {} => (None, None),
    };
    token.into_iter().chain(of_the_last).cloned().collect()
}

impl Operations for CallersInventory<'_> {
    type Error = Error;

    fn call(&self, call: Call) -> impl Future<Output = Result<Answer, Error>> + Send {
        ready(self.answer(call))
    }
}

impl Inventory for CallersInventory<'_> {
    fn databases(&self) -> Databases {
        self.inventory.databases()
    }
}
