//! Whether what was processed is still what is there: `audit`.

use crate::configuration;
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{AuditPage, Difference};
use crate::job::{Job, JobKey, check_limit, check_name, is_same_weight};
use crate::judge::{Judge, check_row};
use crate::judgement::Judgement;
use crate::row_reader::RowReader;
use crate::sql::meta;

/// The most ranges in a page.
const MAX_RANGES: u32 = 1_000;

/// Counts processed ranges again.
#[synchronous]
pub(crate) async fn audit<D: Database>(
    databases: &Databases<'_, D>,
    meta_table: &str,
    job: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<AuditPage, Error> {
    let meta_table = databases.scope(meta_table).await?;
    check_name("job", job)?;
    check_limit(limit, MAX_RANGES, "ranges")?;
    let key = JobKey {
        meta_table,
        job: job.to_owned(),
    };
    let statement = (databases.inventory).list_processed(&key, after, limit);
    let mut page = AuditPage {
        ranges: 0,
        audited_to: None,
        differences: Vec::new(),
    };
    let mut judge = Judge::new(databases);
    for mut row in RowReader::all(databases.inventory(statement).await?) {
        let batch_id = row.int()?;
        let follows = row.int()?;
        let (id_start, id_end) = (row.int()?, row.int()?);
        let (count, weight) = (row.count()?, row.double()?);
        let config = row.text()?;
        let kept = configuration::read_of_batch(&config, batch_id)?;
        let job = databases
            .job_as_kept(&kept.request, &key.meta_table)
            .await?;
        let judgement = judge.judge(&job, kept.grounds.judged_at.as_deref()).await?;
        let now = count_again(databases, &job, &judgement, follows, id_end).await?;
        page.ranges += 1;
        page.audited_to = Some(id_end);
        if now.count != count || !is_same_weight(weight, now.weight) {
            page.differences.push(Difference {
                batch_id,
                id_start,
                id_end,
                count,
                weight,
                count_now: now.count,
                weight_now: now.weight,
            });
        }
    }
    Ok(page)
}

/// What a range holds now.
pub(crate) struct Recount {
    pub(crate) count: u64,
    /// How many ids they have.
    pub(crate) ids: u64,
    pub(crate) weight: f64,
    /// Its first id.
    pub(crate) first: Option<i64>,
}

/// Counts the rows of a range again: all that lie behind the one that it follows, up to its end,
/// within the bounds of its job. Rows that came late may lie before what was its first.
#[synchronous]
pub(crate) async fn count_again<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    follows: i64,
    id_end: i64,
) -> Result<Recount, Error> {
    let statement = meta::count_range(job, judgement, follows, id_end);
    let mut row = RowReader::only(databases.source(job, statement).await?)?;
    let recount = Recount {
        count: row.count()?,
        ids: row.count()?,
        weight: row.double()?,
        first: row.optional_int()?,
    };
    if let Some(uid) = row.optional_int()? {
        check_row(databases, job, judgement, uid).await?;
    }
    Ok(recount)
}
