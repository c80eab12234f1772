//! The jobs of the inventory, by pages: `jobs`.

use crate::configuration;
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{JobSummary, JobsQuery};
use crate::job::{check_limit, check_name};
use crate::sql::jobs::{JobRow, JobsMeant};

/// The most jobs in a page.
const MAX_JOBS: u32 = 100;

/// A page of jobs, summed up.
#[synchronous]
pub(crate) async fn jobs<D: Database>(
    databases: &Databases<'_, D>,
    query: &JobsQuery,
) -> Result<Vec<JobSummary>, Error> {
    check_limit(query.limit, MAX_JOBS, "jobs")?;
    let after = query.after.as_ref();
    let after_job = after.map(|after| after.job.as_str());
    let search = query.search.as_deref().filter(|text| !text.is_empty());
    for name in [query.job.as_deref(), search].into_iter().flatten() {
        check_name("job", name)?;
    }
    let mut scopes = [None, None];
    let names = [
        query.meta_table.as_ref(),
        after.map(|after| &after.meta_table),
    ];
    for (scope, name) in scopes.iter_mut().zip(names) {
        if let Some(name) = name {
            *scope = Some(databases.scope(name).await?);
        }
    }
    let [meta_table, after_table] = scopes;
    let summary = databases.inventory.summarise_jobs(&JobsMeant {
        meta_table: meta_table.as_deref(),
        job: query.job.as_deref(),
        search,
        // Before all names.
        after: [
            after_table.as_deref().unwrap_or_default(),
            after_job.unwrap_or_default(),
        ],
        limit: query.limit,
    });
    let mut jobs = Vec::new();
    for row in databases.inventory_rows(summary).await? {
        let mut job = summed_up(row?);
        job.meta_table = databases.told(job.meta_table).await?;
        if let Some(request) = &mut job.request {
            request.meta_table = match request.source_job {
                Some(_) => {
                    databases
                        .told(std::mem::take(&mut request.meta_table))
                        .await?
                }
                None => job.meta_table.clone(),
            };
        }
        jobs.push(job);
    }
    Ok(jobs)
}

/// A job: what it has handed out, without what is open, is done.
fn summed_up(row: JobRow) -> JobSummary {
    let (items, weight) = row.through;
    let (recounted, open) = (row.recounted, row.open);
    let succeeded = [row.running, row.waiting, row.exhausted]
        .into_iter()
        .fold(row.ranges, u64::saturating_sub);
    JobSummary {
        meta_table: row.meta_table,
        job: row.job,
        watermark: row.watermark,
        running: row.running,
        succeeded,
        waiting: row.waiting,
        exhausted: row.exhausted,
        items: items.saturating_add_signed(recounted.0.saturating_sub(open.0)),
        // Nothing weighs nothing, whatever adding and taking away has rounded.
        weight: match succeeded {
            0 => 0.0,
            _ => (weight + recounted.1 - open.1).max(0.0),
        },
        failed: row.failed,
        latest_start: row.latest_start,
        request: configuration::read(&row.config).map(|kept| kept.request),
    }
}
