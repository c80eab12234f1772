//! The inventory: every operation of the planner, with batches in their owners' hands.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use batchintory::{
    AcquireRequest, Advanced, Answer, Attempt, AuditPage, BatchPlan, Call, Completion, Dialect,
    HistoryQuery, Item, JobProgress, JobSummary, JobsQuery, Migration, Nothing, NotifyChannel,
    Operations, Outcome, PageStatement, RequeueTarget, StatusLabels,
};
use serde::Serialize;
use tokio::time::Instant;

use crate::batch::{Acquired, Batch, FIRST_ITEMS, Following};
use crate::component::PlannerComponent;
use crate::connect::{Access, connect};
use crate::database::{Database, DatabaseOptions, Databases};
use crate::error::Error;
use crate::item_pages::ItemPages;
use crate::job_pages::JobPages;
use crate::limits::Limits;
use crate::planner_pool::PlannerPool;

/// Hands out batches and keeps the inventory of every attempt. Cheap to clone; calls may be made
/// from many tasks at once. Claims of one job then come one after the other, first come, first
/// served, since only one of those that run at once could succeed.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub(crate) planner: PlannerPool,
}

impl Inventory {
    /// Opens the inventory in the database at this URL, with the meta tables beside it. See
    /// [`connect`] for the form of URLs; an SQLite file is made when it is missing.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let database = connect(url, Access::Create).await?;
        Self::builder().inventory(database).build()
    }

    /// For databases that are apart, other names, and other limits.
    pub fn builder() -> InventoryBuilder {
        InventoryBuilder::default()
    }

    /// Hands out the next batch of a job: first what failed or lost its owner, then a new range.
    pub async fn acquire(&self, request: &AcquireRequest) -> Result<Acquired, Error> {
        self.acquire_as(request, None).await
    }

    /// Like [`acquire`](Self::acquire), with a claim token of the caller's own (unguessable, 1 to 255
    /// bytes): the call may be repeated after any failure, by another process too, and gives the same
    /// batch again once it has succeeded.
    pub async fn acquire_with_token(
        &self,
        request: &AcquireRequest,
        claim_token: &str,
    ) -> Result<Acquired, Error> {
        self.acquire_as(request, Some(claim_token)).await
    }

    async fn acquire_as(
        &self,
        request: &AcquireRequest,
        claim_token: Option<&str>,
    ) -> Result<Acquired, Error> {
        // Where one statement can, it claims the batch and reads its items.
        let advanced = (self.planner).advance_at(None, request, claim_token, FIRST_ITEMS);
        let (since, advanced) = advanced.await?;
        Acquired::of(&self.planner, request, since, advanced)
    }

    /// Ends a batch, where one is given, and hands out the next with up to `items` (at most 10,000) of its
    /// items: where inventory and meta table are in one database, with fewer round trips than by
    /// [`complete`](Self::complete), [`acquire`](Self::acquire) and [`items`](Self::items). With a claim
    /// token of the caller's own, it may be repeated as a whole after any failure.
    /// [`Batch::end_and_acquire`] does so with batches.
    pub async fn advance(
        &self,
        done: Option<&Completion>,
        request: &AcquireRequest,
        claim_token: Option<&str>,
        items: u32,
    ) -> Result<Advanced, Error> {
        let advanced = (self.planner).advance_at(done, request, claim_token, items);
        Ok(advanced.await?.1)
    }

    /// Hands out up to `batches` (1 to 1,000) batches that follow each other, all or none; fewer where
    /// less is left, and one that is handed out again comes alone.
    pub async fn acquire_many(
        &self,
        request: &AcquireRequest,
        batches: u32,
    ) -> Result<Vec<Batch>, Error> {
        self.acquire_many_as(request, batches, None).await
    }

    /// Like [`acquire_many`](Self::acquire_many), with a claim token of the caller's own for the first
    /// batch; those of the others are the same with `/2`, `/3` and so on behind it.
    pub async fn acquire_many_with_token(
        &self,
        request: &AcquireRequest,
        batches: u32,
        claim_token: &str,
    ) -> Result<Vec<Batch>, Error> {
        self.acquire_many_as(request, batches, Some(claim_token))
            .await
    }

    async fn acquire_many_as(
        &self,
        request: &AcquireRequest,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<Vec<Batch>, Error> {
        let claimed = (self.planner).acquire_many_at(request, batches, claim_token);
        let (since, records) = claimed.await?;
        Ok((records.into_iter())
            .map(|record| Batch::new(self.planner.clone(), record, request, since))
            .collect())
    }

    /// Hands out one batch after the other until nothing is left, and ends each by the result of
    /// `work`, as [`Batch::process`] does: mostly by the statement that claims the next. Databases that were
    /// reached before are waited for when they are away, see [`patience`](crate::patience).
    ///
    /// A failed batch does not keep the next ones back, and is handed out again as the request
    /// allows.
    pub async fn process<F, Fut, T, E>(
        &self,
        request: &AcquireRequest,
        mut work: F,
    ) -> Result<Processed, Error>
    where
        F: FnMut(Vec<Item>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        T: Serialize,
        E: Display,
    {
        let (mut succeeded, mut failed) = (0, 0);
        let mut following = Following::NotAsked;
        let mut has_reached = false;
        loop {
            let acquired = following.or_acquire_in_loop(self, request, &mut has_reached);
            let batch = match acquired.await? {
                Acquired::Batch(batch) => batch,
                Acquired::Nothing(nothing) => {
                    return Ok(Processed {
                        succeeded,
                        failed,
                        nothing,
                    });
                }
            };
            let processed;
            (processed, following) = batch.process_before(Some(request), &mut work).await?;
            match processed {
                Ok(_) => succeeded += 1,
                Err(_) => failed += 1,
            }
        }
    }

    /// The running batch with this claim token, for whoever goes on with it: another process, say, that was
    /// given its token. Changes nothing; its lease goes on as it is.
    ///
    /// # Errors
    ///
    /// [`PlannerError::NoSuchBatch`](crate::PlannerError::NoSuchBatch), and
    /// [`PlannerError::Superseded`](crate::PlannerError::Superseded) where it has ended or was taken from its
    /// owner.
    pub async fn batch(&self, claim_token: &str) -> Result<Batch, Error> {
        let asked = Instant::now();
        let found = self.planner.batch(claim_token.to_owned()).await?;
        Ok(Batch::found(self.planner.clone(), found, asked))
    }

    /// A page of the items of a batch: up to `limit` (1 to 10,000) items with ids above `after`, or about a MiB
    /// of them. An empty page is the end.
    pub async fn items(
        &self,
        claim_token: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Item>, Error> {
        let token = claim_token.to_owned();
        self.planner.items(token, after, limit).await
    }

    /// The statement by which a batch's items are read without the planner, as [`Batch::items`] and [`ItemPages`] do;
    /// none where only [`items`](Self::items) gives them.
    pub async fn items_statement(&self, claim_token: &str) -> Result<Option<PageStatement>, Error> {
        let token = claim_token.to_owned();
        self.planner.items_statement(token).await
    }

    /// The items of a batch, page by page.
    pub fn item_pages(&self, claim_token: &str) -> ItemPages {
        ItemPages::new(
            self.planner.clone(),
            claim_token.to_owned(),
            None,
            Vec::new(),
        )
    }

    /// A sign of life: the batch's lease now ends `lease_seconds` (1 to 31,536,000) from now.
    pub async fn heartbeat(&self, claim_token: &str, lease_seconds: u32) -> Result<(), Error> {
        let token = claim_token.to_owned();
        self.planner.heartbeat(token, lease_seconds).await
    }

    /// Ends a batch. Ending it again in the same way is fine and changes nothing.
    pub async fn complete(&self, claim_token: &str, outcome: &Outcome) -> Result<(), Error> {
        let token = claim_token.to_owned();
        self.planner.complete(token, outcome.clone()).await
    }

    /// Gives a batch back: its range is handed out again at once, and the attempt does not count
    /// towards `max_attempts`. It is stored as one that failed, with this log, by default
    /// `released`. Where the batch was released already, or has failed, nothing changes.
    pub async fn release(&self, claim_token: &str, log: Option<&str>) -> Result<(), Error> {
        let token = claim_token.to_owned();
        self.planner.release(token, log.map(str::to_owned)).await
    }

    /// The next `batches` (1 to 1,000) batches without claiming them, behind `after` if that lies
    /// further than what is claimed.
    pub async fn plan(
        &self,
        request: &AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<BatchPlan, Error> {
        self.planner.plan(request.clone(), after, batches).await
    }

    /// What a job has left to do, counted up to `cap` (1 to 100,000,000) items.
    pub async fn progress(&self, request: &AcquireRequest, cap: u64) -> Result<JobProgress, Error> {
        self.planner.progress(request.clone(), cap).await
    }

    /// Requeues ranges of a job, to be handed out again as a new attempt, whatever became of them.
    /// Returns the number of ranges.
    pub async fn requeue(
        &self,
        meta_table: &str,
        job: &str,
        target: &RequeueTarget,
    ) -> Result<u64, Error> {
        let (meta_table, job) = (meta_table.to_owned(), job.to_owned());
        self.planner.requeue(meta_table, job, target.clone()).await
    }

    /// What about a job's source may surprise its user, a sentence each; see the interface. Meant for the
    /// start of a program.
    pub async fn warnings(&self, request: &AcquireRequest) -> Result<Vec<String>, Error> {
        self.planner.warnings(request.clone()).await
    }

    /// Counts up to `limit` (1 to 1,000) processed ranges of a job behind the id `after` again, and
    /// lists those whose rows differ from what was processed.
    pub async fn audit(
        &self,
        meta_table: &str,
        job: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, Error> {
        let (meta_table, job) = (meta_table.to_owned(), job.to_owned());
        self.planner.audit(meta_table, job, after, limit).await
    }

    /// Jobs, by meta table and name: a page of them. An empty page is the end.
    pub async fn jobs(&self, query: &JobsQuery) -> Result<Vec<JobSummary>, Error> {
        self.planner.jobs(query.clone()).await
    }

    /// Jobs, page by page.
    pub fn job_pages(&self, query: JobsQuery) -> JobPages {
        JobPages::new(self.planner.clone(), query)
    }

    /// Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is
    /// the end.
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<Attempt>, Error> {
        self.planner.history(query.clone()).await
    }

    /// The statements that make the inventory table in a dialect.
    pub async fn schema_statements(&self, dialect: Dialect) -> Result<Vec<String>, Error> {
        self.planner.schema_statements(dialect).await
    }

    /// The channel on which the meta table's database tells that rows have come, and the statements for it; none
    /// where it has no such thing.
    pub async fn notifications(&self, meta_table: &str) -> Result<Option<NotifyChannel>, Error> {
        self.planner.notifications(meta_table.to_owned()).await
    }

    /// Makes the inventory table and its indexes where they are missing.
    pub async fn migrate(&self) -> Result<Migration, Error> {
        self.planner.migrate().await
    }

    /// The most memory that an instance of the planner component has had so far, in bytes.
    pub fn peak_memory_bytes(&self) -> usize {
        self.planner.peak_memory_bytes()
    }

    /// The databases, for other components that ask for them.
    pub fn databases(&self) -> Databases {
        self.planner.databases().clone()
    }
}

/// The operations as the interface has them: records in, records out, with no batch in anybody's hands.
impl Operations for Inventory {
    type Error = Error;

    async fn call(&self, call: Call) -> Result<Answer, Error> {
        self.planner.call(call).await
    }
}

/// What [`Inventory::process`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed {
    /// Batches that succeeded.
    pub succeeded: u64,
    /// Batches that failed.
    pub failed: u64,
    /// Why it came to an end.
    pub nothing: Nothing,
}

/// Builds an [`Inventory`].
#[derive(Default)]
pub struct InventoryBuilder {
    inventory: Option<Arc<dyn Database>>,
    meta: Option<Arc<dyn Database>>,
    options: DatabaseOptions,
    component: Option<PlannerComponent>,
    limits: Limits,
}

impl InventoryBuilder {
    /// The inventory's database. It must be named.
    #[must_use]
    pub fn inventory(mut self, database: Arc<dyn Database>) -> Self {
        self.inventory = Some(database);
        self
    }

    /// The meta tables' database; by default the inventory's.
    #[must_use]
    pub fn meta(mut self, database: Arc<dyn Database>) -> Self {
        self.meta = Some(database);
        self
    }

    /// The inventory table, as `table` or `schema.table`; by default `inventory`.
    #[must_use]
    pub fn inventory_table(mut self, name: impl Into<String>) -> Self {
        self.options.inventory_table = name.into();
        self
    }

    /// The schema meant by a meta table's name that has none; by default `public` in PostgreSQL,
    /// `main` in SQLite, and the connection's database in MySQL.
    #[must_use]
    pub fn meta_schema(mut self, schema: impl Into<String>) -> Self {
        self.options.meta_schema = Some(schema.into());
        self
    }

    /// The name of the source that the meta tables' database is, where several share the inventory:
    /// it keeps tables of one name apart. By default none.
    #[must_use]
    pub fn meta_name(mut self, name: impl Into<String>) -> Self {
        self.options.meta_name = Some(name.into());
        self
    }

    /// The words of the inventory's `status` column.
    #[must_use]
    pub fn status_labels(mut self, labels: StatusLabels) -> Self {
        self.options.status_labels = labels;
        self
    }

    /// The planner component; by default the one that this crate was built with.
    #[must_use]
    pub fn component(mut self, component: PlannerComponent) -> Self {
        self.component = Some(component);
        self
    }

    /// What an instance of the component may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The inventory. Nothing is sent to the databases yet.
    pub fn build(self) -> Result<Inventory, Error> {
        let inventory = self.inventory.ok_or_else(|| Error::Connect {
            url: "of the inventory".into(),
            reason: "none was given to the builder".into(),
        })?;
        let meta = self.meta.unwrap_or_else(|| inventory.clone());
        let component = match self.component {
            Some(component) => component,
            None => PlannerComponent::embedded()?,
        };
        let databases = Databases::new(inventory, meta, self.options);
        Ok(Inventory {
            planner: PlannerPool::new(component, databases, self.limits),
        })
    }
}
