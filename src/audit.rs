//! Whether what was processed is still what is there: `audit`.

use crate::configuration;
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{AuditPage, Difference};
use crate::job::{Job, JobKey, check_limit, check_name, is_same_weight};
use crate::judge::{Judge, check_row};
use crate::judgement::Judgement;
use crate::sql::inventory::ProcessedRange;
use crate::sql::meta::{self, Recount};

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
    let processed = (databases.inventory).list_processed(&key, after, limit);
    let mut page = AuditPage {
        ranges: 0,
        audited_to: None,
        differences: Vec::new(),
    };
    let mut judge = Judge::new(databases);
    for processed in databases.inventory_rows(processed).await? {
        let ProcessedRange {
            batch_id,
            follows,
            id_start,
            id_end,
            count,
            weight,
            config,
        } = processed?;
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
    let recount = meta::count_range(job, judgement, follows, id_end);
    let recount = databases.source_row(job, recount).await?;
    if let Some(uid) = recount.unjudged {
        check_row(databases, job, judgement, uid).await?;
    }
    Ok(recount)
}
