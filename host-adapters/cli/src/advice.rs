//! What a user should know of a job, in a few words on the side.

use batchintory_wasmtime::{AcquireRequest, Error, HistoryQuery, Inventory, Queue};

use crate::error::Failure;
use crate::stderr::tell;

/// Says on standard error whether ranges of the job failed or were requeued, and are not processed
/// since. A word on the side: where it cannot be known, nothing is said.
pub async fn tell_what_waits(inventory: &Inventory, request: &AcquireRequest) {
    let is_any_in = async |queue| {
        let query = HistoryQuery {
            // The scope of a job on another one's results goes by the inventory's name.
            meta_table: (request.source_job.is_none()).then(|| request.meta_table.clone()),
            job: Some(request.job.clone()),
            queue: Some(queue),
            limit: 1,
            details: false,
            ..HistoryQuery::default()
        };
        let attempts = inventory.history(&query).await?;
        Ok::<bool, Error>(!attempts.is_empty())
    };
    for queue in [Queue::Retry, Queue::Requeued] {
        if is_any_in(queue).await.unwrap_or(false) {
            tell("some ranges wait to be handed out again");
            break;
        }
    }
    if is_any_in(Queue::Exhausted).await.unwrap_or(false) {
        tell(
            "some ranges failed as often as is allowed: see `batchintory history --queue exhausted`, \
             hand them out again by `batchintory requeue`",
        );
    }
}

/// Says on standard error what about the job's source may surprise.
pub async fn tell_warnings(inventory: &Inventory, request: &AcquireRequest) -> Result<(), Failure> {
    for warning in inventory.warnings(request).await? {
        tell(format_args!("warning: {warning}"));
    }
    Ok(())
}
