//! What the service asks of the planner.

use batchintory::{
    AcquireRequest, Acquisition, Attempt, AuditPage, Batch, BatchPlan, Dialect, Error,
    HistoryQuery, Item, JobProgress, JobSummary, JobsQuery, Migration, Outcome, RequeueTarget,
    Settings,
};

/// The latest attempts: as many as the query's limit says, or all that there are, in as many pages as that
/// takes.
pub(crate) fn latest_attempts(
    inventory: &impl Inventory,
    mut query: HistoryQuery,
) -> Result<Vec<Attempt>, Error> {
    let mut attempts = Vec::new();
    while query.limit > 0 {
        let page = inventory.history(query.clone())?;
        let Some(last) = page.last() else {
            break;
        };
        query.before = Some(last.id);
        let number = u32::try_from(page.len()).unwrap_or(u32::MAX);
        query.limit = query.limit.saturating_sub(number);
        attempts.extend(page);
    }
    Ok(attempts)
}

/// The functions of the interface `inventory`, which `wit/inventory.wit` describes.
#[allow(missing_docs, clippy::missing_errors_doc)]
pub trait Inventory {
    /// What the planner knows of its databases: the function `settings` of the interface `database`.
    fn databases(&self) -> Settings;
    fn acquire(
        &self,
        request: AcquireRequest,
        claim_token: Option<&str>,
    ) -> Result<Acquisition, Error>;
    fn acquire_many(
        &self,
        request: AcquireRequest,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<Vec<Batch>, Error>;
    fn items(&self, claim_token: &str, after: Option<i64>, limit: u32) -> Result<Vec<Item>, Error>;
    fn heartbeat(&self, claim_token: &str, lease_seconds: u32) -> Result<(), Error>;
    fn complete(&self, claim_token: &str, outcome: Outcome) -> Result<(), Error>;
    fn plan(
        &self,
        request: AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<BatchPlan, Error>;
    fn progress(&self, request: AcquireRequest, cap: u64) -> Result<JobProgress, Error>;
    fn warnings(&self, request: AcquireRequest) -> Result<Vec<String>, Error>;
    fn requeue(&self, meta_table: &str, job: &str, target: RequeueTarget) -> Result<u64, Error>;
    fn audit(
        &self,
        meta_table: &str,
        job: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, Error>;
    fn jobs(&self, query: JobsQuery) -> Result<Vec<JobSummary>, Error>;
    fn history(&self, query: HistoryQuery) -> Result<Vec<Attempt>, Error>;
    fn schema_statements(&self, dialect: Dialect) -> Result<Vec<String>, Error>;
    fn migrate(&self) -> Result<Migration, Error>;
}
