//! What a job has left to do, at a bounded cost: `progress`.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{AcquireRequest, JobProgress};
use crate::job::Job;
use crate::judge::Judge;
use crate::meta_database;
use crate::next_batch::{MAX_PAGE_ROWS, refuse_beyond};
use crate::pace;
use crate::sql::meta;
use crate::standing::{self, Standing};
use crate::watermark::Watermark;

/// The highest cap.
const MAX_CAP: u64 = 100_000_000;

/// Counts what is left, up to `cap` rows of the meta table, and tells how fast it gets less.
#[synchronous]
pub(crate) async fn progress<D: Database>(
    databases: &Databases<'_, D>,
    request: &AcquireRequest,
    cap: u64,
) -> Result<JobProgress, Error> {
    let job = databases.job(request).await?;
    if !(1..=MAX_CAP).contains(&cap) {
        return Err(Error::invalid_request(format!(
            "cap must be from 1 to {MAX_CAP} items, not {cap}"
        ))
        .of_field("cap")
        .with_limit(MAX_CAP));
    }
    let standing = standing::read(databases, &job).await?;
    let mut progress = count_left(databases, &job, &standing, cap).await?;
    if standing.watermark.uid().is_some() {
        pace::tell(databases, &job, &mut progress).await?;
    }
    Ok(progress)
}

#[synchronous]
async fn count_left<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    standing: &Standing,
    cap: u64,
) -> Result<JobProgress, Error> {
    let watermark = standing.watermark;
    let change = meta_database::change(databases, job, &standing.meta_database).await?;
    let mut progress = JobProgress {
        watermark: watermark.uid(),
        other_meta_database: change.is_some(),
        ..JobProgress::default()
    };
    if watermark.has_reached(job.bounds.id_max) {
        return Ok(progress);
    }
    let judgement = Judge::new(databases).judge(job, None).await?;
    let mut after = watermark.after();
    let mut scanned = 0;
    loop {
        // One row more than the cap tells whether there are more.
        let rows = (cap + 1 - scanned).min(MAX_PAGE_ROWS);
        let page = meta::count_page(job, &judgement, after, rows);
        let page = databases.meta_row(job, page).await?;
        refuse_beyond(job, page.beyond)?;
        after = page.scanned_to.unwrap_or(after);
        progress.items += page.items;
        progress.weight += page.weight;
        scanned += page.scanned;
        if page.scanned < rows {
            if scanned == 0 {
                progress.watermark_above_table = is_above_table(databases, job, watermark).await?;
            }
            progress.last_id = (progress.items > 0).then_some(after);
            return Ok(progress);
        }
        if scanned > cap {
            progress.items = progress.items.min(cap);
            progress.at_least = true;
            if let Some(estimate) =
                estimate(databases, job, watermark.after(), progress.items).await?
            {
                progress.estimated_items = Some(estimate.items);
                progress.last_id = Some(estimate.last_id);
            }
            return Ok(progress);
        }
    }
}

/// Whether a watermark lies above the table's highest id.
#[synchronous]
pub(crate) async fn is_above_table<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    watermark: Watermark,
) -> Result<bool, Error> {
    let Some(watermark) = watermark.uid() else {
        return Ok(false);
    };
    let highest = meta::highest_uid(job, job.dialect);
    let highest = databases.meta_row(job, highest).await?;
    Ok(highest.is_none_or(|highest| highest < watermark))
}

/// A guess at what lies behind an id.
struct Estimate {
    items: u64,
    last_id: i64,
}

/// Guesses how many rows lie behind `after`: the share of the table's rows that its ids have of all
/// ids. Without statistics every id counts as a row.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]
#[synchronous]
async fn estimate<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    after: i64,
    counted: u64,
) -> Result<Option<Estimate>, Error> {
    let size = meta::size_estimate(job, job.dialect);
    let size = databases.meta_row(job, size).await?;
    let (Some(lowest), Some(highest)) = (size.lowest, size.highest) else {
        return Ok(None);
    };
    let rows = size.rows.filter(|rows| *rows > 0);
    let first = after
        .saturating_add(1)
        .max(lowest)
        .max(job.bounds.id_min.unwrap_or(lowest));
    let last = highest.min(job.bounds.id_max.unwrap_or(highest));
    if first > last {
        return Ok(Some(Estimate {
            items: counted,
            last_id: last,
        }));
    }
    let span = |from: i64, to: i64| to.abs_diff(from).saturating_add(1);
    let left = span(first, last);
    let estimate = match rows {
        Some(rows) => (rows as f64 * (left as f64 / span(lowest, highest) as f64)) as u64,
        None => left,
    };
    Ok(Some(Estimate {
        items: estimate.clamp(counted, left.max(counted)),
        last_id: last,
    }))
}
