//! Jobs, page by page.

use batchintory::{JobSummary, JobsQuery, Operations as _};

use crate::error::Error;
use crate::planner_pool::PlannerPool;

/// Jobs, page by page: by [`Inventory::job_pages`](crate::Inventory::job_pages).
#[derive(Debug)]
pub struct JobPages {
    planner: PlannerPool,
    query: JobsQuery,
    is_over: bool,
}

impl JobPages {
    pub(crate) fn new(planner: PlannerPool, query: JobsQuery) -> Self {
        Self {
            planner,
            query,
            is_over: false,
        }
    }

    /// The next page; none at the end. After an error it may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<JobSummary>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.planner.jobs(self.query.clone()).await?;
        match page.last() {
            Some(last) => self.query.after = Some(last.place()),
            None => self.is_over = true,
        }
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}
