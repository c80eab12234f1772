//! When a job that has nothing to hand out may have something again: for those who wait for it.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::job::Job;
use crate::standing::Standing;

/// In how many seconds the next range may be handed out again that waits, or runs under a lease.
///
/// Never 0: nothing was due a moment ago, and whoever comes back at once would come in vain again and again.
#[synchronous]
pub(crate) async fn in_seconds<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    standing: &Standing,
) -> Result<Option<u32>, Error> {
    if !standing.has_unfinished {
        return Ok(None);
    }
    let waits = (job.bounds, job.retries);
    let due = (databases.inventory).read_due(&job.key(), waits, standing.queue_from);
    let whole_seconds = databases.first_on_primary(due).await?.flatten();
    Ok(whole_seconds.map(|seconds| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX - 1) + 1))
}
