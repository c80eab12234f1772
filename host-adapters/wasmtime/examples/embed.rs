//! Batches of a meta table, processed by this program.
//!
//! `cargo run -p batchintory-wasmtime --example embed`

use std::error::Error;

use batchintory_wasmtime::{
    Access, AcquireRequest, Acquired, HistoryQuery, Inventory, Value, connect,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let url = format!("sqlite:{}", directory.path().join("lake.sqlite").display());

    // Somebody else's table: seven files of 10 to 70 bytes.
    let lake = connect(&url, Access::Create).await?;
    let table = "CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)";
    lake.query(table, &[])
        .await
        .map_err(|error| format!("{error:?}"))?;
    for number in 1..=7_i64 {
        let row = "INSERT INTO files (item, weight) VALUES ('part-' || ?, 10 * ?)";
        lake.query(row, &[Value::Int64(number), Value::Int64(number)])
            .await
            .map_err(|error| format!("{error:?}"))?;
    }

    let inventory = Inventory::open(&url).await?;
    inventory.migrate().await?;
    let request = AcquireRequest {
        max_weight: Some(100.0),
        ..AcquireRequest::new("files", "embedded")
    };

    // One batch by hand: it stays in our hands until it succeeds or fails.
    if let Acquired::Batch(batch) = inventory.acquire(&request).await? {
        println!(
            "ids {} to {}: {} items",
            batch.id_start, batch.id_end, batch.count
        );
        for item in batch.items().await? {
            println!("  {} {:?} {}", item.uid, item.item, item.weight);
        }
        batch.succeed().await?;
    }

    // All others by a closure: its result is the batch's, its error is the batch's log.
    let processed = inventory
        .process(&request, async |items| match items.first() {
            Some(first) if first.weight > 60.0 => Err(format!("{} is too heavy", first.uid)),
            _ => Ok(items.len()),
        })
        .await?;
    println!(
        "{} succeeded, {} failed",
        processed.succeeded, processed.failed
    );

    for attempt in inventory.history(&HistoryQuery::default()).await? {
        println!(
            "{} {} to {}: {} {:?} {:?}",
            attempt.id,
            attempt.id_start,
            attempt.id_end,
            attempt.status,
            attempt.result_item,
            attempt.log
        );
    }
    Ok(())
}
