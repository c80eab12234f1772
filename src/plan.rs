//! Looking ahead without claiming: `plan`.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{AcquireRequest, BatchPlan};
use crate::next_batch::{Density, next_batch};
use crate::watermark::{self, Watermark};

/// The most batches in a plan.
const MAX_BATCHES: u32 = 1_000;

/// The next batches.
pub(crate) async fn plan<D: Database>(
    database: &D,
    request: &AcquireRequest,
    after: Option<i64>,
    batches: u32,
) -> Result<BatchPlan, Error> {
    let databases = Databases::open(database)?;
    let job = databases.job(request)?;
    if !(1..=MAX_BATCHES).contains(&batches) {
        return Err(Error::InvalidRequest(format!(
            "batches must be from 1 to {MAX_BATCHES}, not {batches}; continue a plan behind its last id"
        )));
    }
    let (mut watermark, mut density) = watermark::read(&databases, &job).await?;
    watermark = watermark.max(Watermark::at(after));
    let mut plan = BatchPlan {
        batches: Vec::new(),
        complete: false,
    };
    for _ in 0..batches {
        if watermark.has_reached(job.bounds.id_max) {
            plan.complete = true;
            break;
        }
        let found = next_batch(&databases, &job, watermark.after(), density).await?;
        let Some(batch) = found.batch else {
            plan.complete = true;
            break;
        };
        watermark = Watermark::at(Some(batch.id_end));
        density = Density {
            count: batch.count,
            weight: batch.weight,
            span: batch.id_end.abs_diff(batch.id_start).saturating_add(1),
        };
        plan.batches.push(batch);
    }
    Ok(plan)
}
