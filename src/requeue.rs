//! Handing ranges out again, whatever became of them: `requeue`.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::RequeueTarget;
use crate::job::{JobKey, check_name};
use crate::refusal_code::{Failure, Kind};

/// The most ranges of ids in one call.
const MAX_RANGES: usize = 1_000;
/// How often the call is repeated after its answer was lost.
const MAX_ROUNDS: u32 = 3;

/// Requeues ranges of a job.
#[synchronous]
pub(crate) async fn requeue<D: Database>(
    databases: &Databases<'_, D>,
    meta_table: &str,
    job: &str,
    target: &RequeueTarget,
) -> Result<u64, Error> {
    let meta_table = databases.scope(meta_table).await?;
    check_name("job", job)?;
    let job = JobKey {
        meta_table,
        job: job.to_owned(),
    };
    if let RequeueTarget::Ids(ranges) = target {
        if !(1..=MAX_RANGES).contains(&ranges.len()) {
            return Err(Error::invalid_request(format!(
                "1 to {MAX_RANGES} ranges of ids can be requeued at once, not {}",
                ranges.len()
            ))
            .of_field("ids")
            .with_limit(MAX_RANGES));
        }
        if let Some(range) = ranges.iter().find(|range| range.id_start > range.id_end) {
            return Err(Error::invalid_request(format!(
                "the range from {} to {} holds no id; swap its ends?",
                range.id_start, range.id_end
            ))
            .of_field("ids"));
        }
    }
    let mut lost_answer = String::new();
    for _ in 0..MAX_ROUNDS {
        let statement = databases.inventory.requeue(&job, target);
        match databases.try_inventory(statement).await {
            Ok(rows) => return Ok(rows.affected),
            // What is requeued twice is handed out once.
            Err(failure) if failure.kind == Kind::OutcomeUnknown => lost_answer = failure.message,
            Err(failure) => return Err(databases.inventory_error(failure)),
        }
    }
    Err(databases.inventory_error(Failure::outcome_unknown(lost_answer)))
}
