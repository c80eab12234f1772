//! Claims batches of a job until nothing is left, and prints each as `first last count`. The first one it keeps
//! until it may go on.
//!
//! `claiming-worker URL META_TABLE JOB MAX_COUNT`

use anyhow::{Result, bail};
use batchintory::AcquireRequest;
use batchintory_tests::turns;
use batchintory_wasmtime::{Acquired, Inventory};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, meta_table, job, max_count] = arguments.as_slice() else {
        bail!("usage: claiming-worker URL META_TABLE JOB MAX_COUNT");
    };
    let inventory = Inventory::open(url).await?;
    let request = AcquireRequest {
        max_count: Some(max_count.parse()?),
        ..AcquireRequest::new(meta_table, job)
    };
    let mut is_first = true;
    while let Acquired::Batch(batch) = inventory.acquire(&request).await? {
        println!("{} {} {}", batch.id_start, batch.id_end, batch.count);
        if std::mem::take(&mut is_first) {
            turns::take()?;
        }
        batch.succeed().await?;
    }
    Ok(())
}
