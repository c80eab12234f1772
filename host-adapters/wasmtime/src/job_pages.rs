//! Jobs, page by page.

use batchintory::{JobSummary, JobsQuery};

use crate::error::Error;
use crate::inventory::Inventory;

/// Jobs, page by page: by [`Inventory::job_pages`].
#[derive(Debug)]
pub struct JobPages {
    inventory: Inventory,
    query: JobsQuery,
    is_over: bool,
}

impl JobPages {
    pub(crate) fn new(inventory: Inventory, query: JobsQuery) -> Self {
        Self {
            inventory,
            query,
            is_over: false,
        }
    }

    /// The next page; none at the end. After an error it may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<JobSummary>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.inventory.jobs(&self.query).await?;
        match page.last() {
            Some(last) => self.query.after = Some(last.place()),
            None => self.is_over = true,
        }
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}
