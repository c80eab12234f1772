//! The planner: every operation of the interface `inventory`, over a [`Database`].

use crate::database::{Database, Dialect, Random};
use crate::error::Error;
use crate::interface::{
    AcquireRequest, Acquisition, Attempt, BatchPlan, HistoryQuery, Item, JobProgress, JobSummary,
    Migration, Outcome,
};

/// Plans and claims batches through a [`Database`], with claim tokens from a [`Random`].
///
/// It holds no state: everything stands in the database.
#[derive(Debug, Clone)]
pub struct Planner<D, R> {
    pub(crate) database: D,
    pub(crate) random: R,
}

#[allow(clippy::todo, unused_variables, missing_docs)]
impl<D: Database, R: Random> Planner<D, R> {
    pub fn new(database: D, random: R) -> Self {
        Self { database, random }
    }
    pub async fn acquire(&self, request: &AcquireRequest) -> Result<Acquisition, Error> {
        todo!()
    }
    pub async fn items(&self, claim_token: &str, after: Option<i64>, limit: u32) -> Result<Vec<Item>, Error> {
        todo!()
    }
    pub async fn complete(&self, claim_token: &str, outcome: &Outcome) -> Result<(), Error> {
        todo!()
    }
    pub async fn plan(&self, request: &AcquireRequest, after: Option<i64>, batches: u32) -> Result<BatchPlan, Error> {
        todo!()
    }
    pub async fn progress(&self, request: &AcquireRequest, cap: u64) -> Result<JobProgress, Error> {
        todo!()
    }
    pub async fn jobs(&self) -> Result<Vec<JobSummary>, Error> {
        todo!()
    }
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<Attempt>, Error> {
        todo!()
    }
    pub fn schema_statements(&self, dialect: Dialect) -> Result<Vec<String>, Error> {
        todo!()
    }
    pub async fn migrate(&self) -> Result<Migration, Error> {
        todo!()
    }
}
