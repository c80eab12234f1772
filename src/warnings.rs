//! What about a job's source may surprise its user: `warnings`.

use crate::blind_spot::{FIELD, HOLD};
use crate::database::{Database, Dialect, Source};
use crate::databases::Databases;
use crate::error::Error;
use crate::fence;
use crate::interface::{AcquireRequest, Settle};
use crate::job::Job;
use crate::meta_database;
use crate::progress::is_above_table;
use crate::sql::fence::read_draws;
use crate::sql::source;
use crate::standing::{self, Standing};
use crate::watermark::Watermark;

/// Looks for what may surprise.
#[synchronous]
pub(crate) async fn warnings<D: Database>(
    databases: &Databases<'_, D>,
    request: &AcquireRequest,
) -> Result<Vec<String>, Error> {
    let job = databases.job(request).await?;
    let mut warnings = match job.dialect {
        Dialect::Sqlite => ids_used_again(databases, &job).await?,
        Dialect::Postgresql | Dialect::Mysql => Vec::new(),
    };
    warnings.extend(beyond_the_fence(databases, &job).await?);
    if job.source == Source::Meta {
        warnings.extend(ids_that_are_none(databases, &job).await?);
    }
    let standing = standing::read(databases, &job).await?;
    warnings.extend(watermark_above_the_table(databases, &job, standing.watermark).await?);
    warnings.extend(ids_passed_over(&job, &standing));
    warnings.extend(another_database(databases, &job, &standing).await?);
    Ok(warnings)
}

/// Ids that have begun anew.
#[synchronous]
async fn watermark_above_the_table<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    watermark: Watermark,
) -> Result<Option<String>, Error> {
    let Some(uid) = watermark.uid() else {
        return Ok(None);
    };
    Ok(is_above_table(databases, job, watermark).await?.then(|| {
        format!(
            "the job {:?} has handed out ids up to {uid}, but the meta table {table:?} has none as \
             high: if its ids have begun anew (TRUNCATE … RESTART IDENTITY, a table that was rotated \
             or restored), new rows up to that id are never handed out; let ids go on above it, or \
             name another job",
            job.name,
            table = job.meta_table.to_string()
        )
    }))
}

/// A meta table of the same name in another database.
#[synchronous]
async fn another_database<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    standing: &Standing,
) -> Result<Option<String>, Error> {
    let change = meta_database::change(databases, job, &standing.meta_database).await?;
    Ok(change.map(|(before, now)| {
        format!(
            "the meta table {table:?} lies in another database than when the job {:?} claimed its latest \
             range (it was {before} and is now {now}): where its ids stand for other items, those up to \
             the watermark are never handed out; connect to the one that was meant, give each a name \
             (`meta-name`), or, as after a restore, accept the change (`on-change`)",
            job.name,
            table = job.meta_table.to_string()
        )
    }))
}

/// Ids that workers of one job pass over since they ask with different lower bounds.
fn ids_passed_over(job: &Job, standing: &Standing) -> Option<String> {
    let id_min = job.bounds.id_min;
    if let (Some(first), Some(id_min)) = (standing.watermark.passed_over_from(id_min), id_min) {
        return Some(format!(
            "with id-min {id_min}, the ids {first} to {last} of the job {:?} are passed over for good, \
             for workers that ask with a lower one, too; ask all with the same id-min, or name \
             another job",
            job.name,
            last = id_min.saturating_sub(1)
        ));
    }
    let before = standing.id_min_before()?;
    id_min.is_none_or(|id_min| id_min < before).then(|| {
        format!(
            "the latest range of the job {:?} was claimed with id-min {before}: lower ids that are \
             asked for now may have been passed over by it, and are not handed out any more; ask all \
             workers with the same id-min, or name another job",
            job.name
        )
    })
}

/// Ids that several rows may have, and rows that have none.
#[synchronous]
async fn ids_that_are_none<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Vec<String>, Error> {
    let (table, uid) = (job.meta_table.to_string(), &job.columns.uid);
    let uniqueness = source::read_uniqueness(job, job.dialect);
    let uniqueness = databases.meta_row(job, uniqueness).await?;
    let mut warnings = Vec::new();
    if !uniqueness.is_unique {
        warnings.push(format!(
            "no unique index says that the column {uid:?} of the meta table {table:?} has each id once: a \
             job stops where two rows share one; make one where it is a table"
        ));
    }
    if uniqueness.has_null {
        warnings.push(format!(
            "the meta table {table:?} has rows whose column {uid:?} is NULL: they are never handed out; \
             give them ids"
        ));
    }
    Ok(warnings)
}

/// Why the fence refuses a source, or what it does not see of it.
#[synchronous]
async fn beyond_the_fence<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Option<String>, Error> {
    match fence::settled(databases, job).await {
        Err(Error::InvalidRequest(refusal)) if refusal.field.as_deref() == Some(FIELD) => {
            Ok(Some(refusal.message))
        }
        Err(error) => Err(error),
        Ok(_) => ids_drawn_before_their_rows(databases, job).await,
    }
}

/// Ids that no column draws: a transaction may have drawn one long before it takes the lock that the
/// fence sees, as programs do that take ids from a sequence by themselves, or many at once.
#[synchronous]
async fn ids_drawn_before_their_rows<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Option<String>, Error> {
    let remedy = match job.dialect {
        _ if job.settle == Settle::None || job.source == Source::Inventory => return Ok(None),
        Dialect::Sqlite => return Ok(None),
        Dialect::Postgresql => "GENERATED ALWAYS AS IDENTITY",
        Dialect::Mysql => "AUTO_INCREMENT",
    };
    let draws = databases.meta_row(job, read_draws(job)).await?;
    Ok((!draws).then(|| {
        format!(
            "{FIELD}: the column {uid:?} of the meta table {table:?} does not draw its ids itself: rows whose \
             ids were drawn before they are inserted, as by a program that asks a sequence first, come \
             late unseen; let the column draw them ({remedy}), or {HOLD}",
            uid = job.columns.uid,
            table = job.meta_table.to_string()
        )
    }))
}

/// Without AUTOINCREMENT, SQLite gives the id of a deleted last row to the next one.
#[synchronous]
async fn ids_used_again<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Vec<String>, Error> {
    let definition = source::read_definition(job);
    let Some(definition) = databases.first_meta_row(job, definition).await? else {
        return Ok(Vec::new());
    };
    let definition = definition.to_ascii_uppercase();
    // Not by `str::contains`, whose search would be more than all the rest of this.
    const AUTOINCREMENT: &[u8] = b"AUTOINCREMENT";
    let mut parts = definition.as_bytes().windows(AUTOINCREMENT.len());
    if parts.any(|part| part == AUTOINCREMENT) {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "the meta table {table:?} was made without AUTOINCREMENT: SQLite may give the id of a deleted \
         row to a new one, which then counts as handed out",
        table = job.meta_table.to_string()
    )])
}
