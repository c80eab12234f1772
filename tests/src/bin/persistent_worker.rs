//! Claims and completes batches of a job, whatever happens to its database, until the job is done: no
//! item is left, and no attempt runs or waits. Each batch takes until the worker may go on.
//!
//! `persistent-worker URL META_TABLE JOB MAX_COUNT LEASE_SECONDS NAME`

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use batchintory::{AcquireRequest, Error as PlannerError};
use batchintory_tests::turns;
use batchintory_wasmtime::{Acquired, Batch, Error, Inventory, JobsQuery};

/// The rest after a failure, and between two looks at attempts of others.
const REST: Duration = Duration::from_millis(100);

/// A worker that has rested so often is better told why.
const MOST_RESTS: u32 = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, meta_table, job, max_count, lease_seconds, name] = arguments.as_slice() else {
        bail!("usage: persistent-worker URL META_TABLE JOB MAX_COUNT LEASE_SECONDS NAME");
    };
    let request = AcquireRequest {
        job_identifier: Some(name.clone()),
        max_count: Some(max_count.parse()?),
        lease_seconds: Some(lease_seconds.parse()?),
        max_attempts: 1_000,
        ..AcquireRequest::new(meta_table, job)
    };
    let inventory = loop {
        match Inventory::open(url).await {
            Ok(inventory) => break inventory,
            Err(error) => pass_over(error).await?,
        }
    };
    loop {
        match inventory.acquire(&request).await {
            Ok(Acquired::Batch(batch)) => {
                tokio::task::block_in_place(turns::take)?;
                succeed(&inventory, &batch).await?;
            }
            Ok(Acquired::Nothing(_)) => match is_done(&inventory, job).await {
                Ok(true) => return Ok(()),
                Ok(false) => tokio::time::sleep(REST).await,
                Err(error) => pass_over(error).await?,
            },
            Err(error) => pass_over(error).await?,
        }
    }
}

/// Completes a batch, again and again while the database cannot be reached.
async fn succeed(inventory: &Inventory, batch: &Batch) -> Result<()> {
    let outcome = batchintory::Outcome::succeeded(None);
    loop {
        match inventory.complete(&batch.claim_token, &outcome).await {
            Ok(()) => return Ok(()),
            // The lease ran out meanwhile: somebody else has the range.
            Err(Error::Planner(PlannerError::Superseded(_))) => return Ok(()),
            Err(error) => pass_over(error).await?,
        }
    }
}

/// Whether no attempt at the job runs or waits.
async fn is_done(inventory: &Inventory, job: &str) -> Result<bool, Error> {
    let jobs = inventory.jobs(&JobsQuery::default()).await?;
    Ok(jobs
        .iter()
        .filter(|summary| summary.job == job)
        .all(|summary| summary.running == 0 && summary.waiting == 0))
}

/// Rests after what passes; anything else is an error, as is what does not pass for long.
async fn pass_over(error: Error) -> Result<()> {
    static RESTS: AtomicU32 = AtomicU32::new(0);
    if RESTS.fetch_add(1, Ordering::Relaxed) == MOST_RESTS {
        return Err(error.into());
    }
    match error {
        Error::Planner(PlannerError::Unavailable(_) | PlannerError::ExhaustedRetries(_)) => {}
        Error::Connect { .. } => {}
        error => return Err(error.into()),
    }
    tokio::time::sleep(REST).await;
    Ok(())
}
