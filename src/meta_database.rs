//! Which database a meta table lies in, as far as it tells: kept with a job's ranges, so that another
//! one is noticed.
//!
//! Only told, never refused: a restored copy, a server that took another one's place and a file that
//! was moved are other databases, too, and may well be meant.

use crate::database::{Database, Source};
use crate::databases::{Databases, meta_error};
use crate::error::Error;
use crate::interface::OnChange;
use crate::job::Job;
use crate::sql::source;

/// What a meta table's database says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It does not say, or not to this user.
    Untold,
    /// PostgreSQL: the system's identifier and the database's oid. MySQL: the server's unique id.
    /// SQLite: the file.
    Told(String),
}

impl Identity {
    /// What the inventory keeps: nothing where it was not asked, no text where it does not say.
    pub(crate) fn kept(&self) -> Option<&str> {
        match self {
            Self::NotAsked => None,
            Self::Untold => Some(""),
            Self::Told(told) => Some(told),
        }
    }

    /// What was kept.
    pub(crate) fn of_kept(kept: Option<String>) -> Self {
        match kept {
            None => Self::NotAsked,
            Some(told) if told.is_empty() => Self::Untold,
            Some(told) => Self::Told(told),
        }
    }
}

/// The identity that a claim keeps: that of the job's latest range, which later ones pass on, so
/// that a change goes on being told; that of now for a job's first claim, and for one that accepts
/// changes.
#[synchronous]
pub(crate) async fn to_be_kept<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    before: &Identity,
) -> Result<Identity, Error> {
    match before {
        Identity::NotAsked => identify(databases, job).await,
        _ if job.request.on_change == OnChange::Accept => identify(databases, job).await,
        known => Ok(known.clone()),
    }
}

/// What the database was when the job claimed its latest range, and what it is now, where that
/// differs.
#[synchronous]
pub(crate) async fn change<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    before: &Identity,
) -> Result<Option<(String, String)>, Error> {
    let Identity::Told(before) = before else {
        return Ok(None);
    };
    Ok(match identify(databases, job).await? {
        Identity::Told(now) if now != *before => Some((before.clone(), now)),
        _ => None,
    })
}

/// Asks the meta table's database. The results of another job need no asking: they lie in the
/// inventory itself.
#[synchronous]
async fn identify<D: Database>(databases: &Databases<'_, D>, job: &Job) -> Result<Identity, Error> {
    if job.source == Source::Inventory {
        return Ok(Identity::Untold);
    }
    let identity = source::read_identity(job);
    let rows = match databases.try_meta(job, identity.statement).await {
        Ok(rows) => rows,
        // It knows no such thing, as other programs that speak its language.
        Err(failure) if failure.kind.is_refusal() => return Ok(Identity::Untold),
        Err(failure) => return Err(meta_error(job, failure)),
    };
    let told = identity.rows.first(rows)?.flatten();
    Ok(told.map_or(Identity::Untold, Identity::Told))
}
