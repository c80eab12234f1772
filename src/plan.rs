//! Looking ahead without claiming: `plan`.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{AcquireRequest, BatchPlan};
use crate::job::Job;
use crate::judge::Judge;
use crate::judgement::Judgement;
use crate::next_batch::{Density, next_batch};
use crate::standing;
use crate::watermark::Watermark;

/// The most batches in a plan.
const MAX_BATCHES: u32 = 1_000;

/// The next batches.
#[synchronous]
pub(crate) async fn plan<D: Database>(
    databases: &Databases<'_, D>,
    request: &AcquireRequest,
    after: Option<i64>,
    batches: u32,
) -> Result<BatchPlan, Error> {
    let job = databases.job(request).await?;
    if !(1..=MAX_BATCHES).contains(&batches) {
        return Err(Error::invalid_request(format!(
            "batches must be from 1 to {MAX_BATCHES}, not {batches}; continue a plan behind its last id"
        ))
        .of_field("batches")
        .with_limit(MAX_BATCHES));
    }
    let standing = standing::read(databases, &job).await?;
    let watermark = standing.watermark.max(Watermark::at(after));
    let judgement = Judge::new(databases).judge(&job, None).await?;
    let density = standing.density;
    let ahead = look_ahead(databases, &job, &judgement, watermark, density, batches).await?;
    Ok(ahead.plan)
}

/// The next batches, and how far was looked for them.
pub(crate) struct Ahead {
    pub(crate) plan: BatchPlan,
    /// The highest id that was looked at in vain.
    pub(crate) scanned_to: Option<i64>,
}

/// Plans batches behind a watermark.
#[synchronous]
pub(crate) async fn look_ahead<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    mut watermark: Watermark,
    mut density: Density,
    batches: u32,
) -> Result<Ahead, Error> {
    let mut ahead = Ahead {
        plan: BatchPlan {
            batches: Vec::new(),
            complete: false,
            held: None,
        },
        scanned_to: None,
    };
    for _ in 0..batches {
        if watermark.has_reached(job.bounds.id_max) {
            ahead.plan.complete = true;
            break;
        }
        let found = next_batch(databases, job, judgement, watermark.after(), density).await;
        let found = match found {
            // What lies before a row that cannot be is handed out; then the error names it.
            Err(Error::InvalidRequest(_)) if !ahead.plan.batches.is_empty() => break,
            found => found?,
        };
        let Some(batch) = found.batch else {
            ahead.plan.complete = true;
            ahead.plan.held = found.held;
            ahead.scanned_to = found.scanned_to;
            break;
        };
        watermark = Watermark::at(Some(batch.id_end));
        density = Density {
            count: batch.count,
            weight: batch.weight,
            span: batch.id_end.abs_diff(batch.id_start).saturating_add(1),
        };
        ahead.plan.batches.push(batch);
    }
    Ok(ahead)
}
