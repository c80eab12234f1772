//! The planner: every operation of the interface `inventory`, over a [`Database`].

use crate::advance::Turn;
use crate::database::{Database, Dialect, Random};
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{
    AcquireRequest, Acquisition, Advanced, Attempt, AuditPage, Batch, BatchPlan, Completion,
    HistoryQuery, Item, JobProgress, JobSummary, JobsQuery, Migration, NotifyChannel, Outcome,
    RequeueTarget,
};
use crate::{
    advance, audit, claim, completion, history, items, jobs, lease, migration, notify, plan,
    progress, requeue, warnings,
};

/// Plans and claims batches through a [`Database`], with claim tokens from a [`Random`].
///
/// It holds no state: everything stands in the database. Its methods are the functions of
/// `wit/inventory.wit`, which says what each does, which values are allowed and when which error
/// comes.
#[derive(Debug, Clone)]
pub struct Planner<D, R> {
    database: D,
    random: R,
}

#[synchronous]
impl<D: Database, R: Random> Planner<D, R> {
    /// A planner over this database.
    pub fn new(database: D, random: R) -> Self {
        Self { database, random }
    }

    /// A call's view of the databases.
    fn open(&self) -> Result<Databases<'_, D>, Error> {
        Databases::open(&self.database, &self.random)
    }

    /// Hands out the next batch of a job. With a claim token of the caller's own the call may be
    /// repeated after any failure.
    pub async fn acquire(
        &self,
        request: &AcquireRequest,
        claim_token: Option<&str>,
    ) -> Result<Acquisition, Error> {
        claim::acquire(&self.open()?, request, claim_token).await
    }

    /// Ends a batch, where one is given, and hands out the next with up to `items` (at most 10,000) of its
    /// items: for workers that loop.
    pub async fn advance(
        &self,
        done: Option<&Completion>,
        request: &AcquireRequest,
        claim_token: Option<&str>,
        items: u32,
    ) -> Result<Advanced, Error> {
        let turn = Turn {
            done,
            request,
            claim_token,
            items,
        };
        advance::advance(&self.open()?, turn).await
    }

    /// Hands out up to so many (1 to 1,000) batches that follow each other, all or none.
    pub async fn acquire_many(
        &self,
        request: &AcquireRequest,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<Vec<Batch>, Error> {
        claim::acquire_many(&self.open()?, request, batches, claim_token).await
    }

    /// A page of the items of a batch: up to `limit` (1 to 10,000) items with ids above `after`, or about a MiB
    /// of them. An empty page is the end.
    pub async fn items(
        &self,
        claim_token: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Item>, Error> {
        items::items(&self.open()?, claim_token, after, limit).await
    }

    /// A sign of life: the batch's lease now ends so many seconds from now.
    pub async fn heartbeat(&self, claim_token: &str, lease_seconds: u32) -> Result<(), Error> {
        lease::heartbeat(&self.open()?, claim_token, lease_seconds).await
    }

    /// Ends a batch. Ending it again in the same way is fine and changes nothing.
    pub async fn complete(&self, claim_token: &str, outcome: &Outcome) -> Result<(), Error> {
        completion::complete(&self.open()?, claim_token, outcome).await
    }

    /// The next `batches` (1 to 1,000) batches without claiming them, behind `after` if that lies
    /// further than what is claimed.
    pub async fn plan(
        &self,
        request: &AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<BatchPlan, Error> {
        plan::plan(&self.open()?, request, after, batches).await
    }

    /// What a job has left to do, counted up to `cap` (1 to 100,000,000) items.
    pub async fn progress(&self, request: &AcquireRequest, cap: u64) -> Result<JobProgress, Error> {
        progress::progress(&self.open()?, request, cap).await
    }

    /// What about a job's source may surprise its user, a sentence each.
    pub async fn warnings(&self, request: &AcquireRequest) -> Result<Vec<String>, Error> {
        warnings::warnings(&self.open()?, request).await
    }

    /// Puts ranges of a job back, to be handed out again. Gives back how many.
    pub async fn requeue(
        &self,
        meta_table: &str,
        job: &str,
        target: &RequeueTarget,
    ) -> Result<u64, Error> {
        requeue::requeue(&self.open()?, meta_table, job, target).await
    }

    /// Counts up to `limit` (1 to 1,000) processed ranges of a job behind the id `after` again.
    pub async fn audit(
        &self,
        meta_table: &str,
        job: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, Error> {
        audit::audit(&self.open()?, meta_table, job, after, limit).await
    }

    /// Jobs, by meta table and name: a page of them. An empty page is the end.
    pub async fn jobs(&self, query: &JobsQuery) -> Result<Vec<JobSummary>, Error> {
        jobs::jobs(&self.open()?, query).await
    }

    /// Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is
    /// the end.
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<Attempt>, Error> {
        history::history(&self.open()?, query).await
    }

    /// The statements that make the inventory table in a dialect.
    pub fn schema_statements(&self, dialect: Dialect) -> Result<Vec<String>, Error> {
        migration::schema_statements(&self.database, dialect)
    }

    /// The channel on which the database of a meta table tells that rows have come, if it is one that can.
    pub async fn notifications(&self, meta_table: &str) -> Result<Option<NotifyChannel>, Error> {
        notify::notifications(&self.open()?, meta_table).await
    }

    /// Makes the inventory table and its indexes where they are missing.
    pub async fn migrate(&self) -> Result<Migration, Error> {
        migration::migrate(&self.open()?).await
    }
}
