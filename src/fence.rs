//! The fence against rows that appear out of order: `settle`.
//!
//! In PostgreSQL, `nextval` takes a lock on the sequence before it gives out an id, and the
//! transaction keeps it to its end; so does an INSERT on the table. So once all transactions are over
//! that held such a lock when the highest id was read, every id up to that one is decided: it is
//! there, or never will be. Nobody is blocked, and reading needs no rights but SELECT. MySQL and MariaDB
//! have metadata locks for it.

use std::borrow::Cow;

use crate::blind_spot::{HOLD, refusal};
use crate::database::{Database, Dialect, Source};
use crate::databases::{self, Databases};
use crate::error::Error;
use crate::interface::Settle;
use crate::job::Job;
use crate::metadata_locks::{self, Decided};
use crate::sql::fence::{self, Writers};

/// How often running transactions are looked at, each time 20 ms later.
const MAX_ROUNDS: u32 = 50;

/// Waits until every id up to the highest one is decided. Gives back the job with its upper bound
/// there, or nothing where transactions go on that may insert a lower id.
#[synchronous]
pub(crate) async fn settled<'a, D: Database>(
    databases: &Databases<'_, D>,
    job: &'a Job,
) -> Result<Option<Cow<'a, Job>>, Error> {
    match job.dialect {
        _ if job.settle == Settle::None => return Ok(Some(Cow::Borrowed(job))),
        Dialect::Postgresql => {}
        // It has one writer at a time, so its ids follow the order of commits.
        Dialect::Sqlite => return Ok(Some(Cow::Borrowed(job))),
        Dialect::Mysql => {
            return Ok(match metadata_locks::decided(databases, job).await? {
                Decided::UpTo(highest) => Some(Cow::Owned(bounded(job, highest))),
                Decided::NotYet => None,
            });
        }
    }
    let writers = fence::read_writers(job, job.dialect);
    let Writers {
        highest,
        writers,
        blind_spots,
        is_standby,
    } = databases.meta_row(job, writers).await?;
    if is_standby {
        return Err(databases::of_standby(Source::Meta));
    }
    if let Some(why) = blind_spots {
        return Err(refusal(job, &why, HOLD));
    }
    if let (Some(_), Some(writers)) = (highest, writers)
        && !are_over(databases, job, &writers).await?
    {
        return Ok(None);
    }
    Ok(Some(Cow::Owned(bounded(job, highest))))
}

/// The job up to the highest id, that is decided. Of an empty table nothing is decided: rows that appear
/// before the page is read are not settled.
fn bounded(job: &Job, highest: Option<i64>) -> Job {
    let highest = highest.unwrap_or(i64::MIN);
    let mut settled = job.clone();
    let id_max = job.bounds.id_max.map_or(highest, |most| most.min(highest));
    settled.bounds.id_max = Some(id_max);
    settled
}

/// Whether transactions come to their end within some time.
#[synchronous]
async fn are_over<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    writers: &str,
) -> Result<bool, Error> {
    for _ in 0..MAX_ROUNDS {
        let still_there = fence::wait_for_writers(writers, job.dialect);
        if databases.meta_row(job, still_there).await? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
