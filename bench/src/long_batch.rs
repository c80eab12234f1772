//! A batch of a million items.

use std::time::Instant;

use anyhow::{Result, ensure};
use batchintory_wasmtime::{AcquireRequest, Inventory};

use crate::report::{Bar, Report};
use crate::tables::Server;
use crate::timing::{Rounds, Samples};

const ITEMS: i64 = 1_000_000;

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    let scan = format!("SELECT count(*), sum(weight) FROM files_5m WHERE uid <= {ITEMS}");
    let weight: f64 = server.client.query_one(&scan, &[]).await?.try_get(1)?;
    let inventory = Inventory::open(&server.url).await?;
    let request = AcquireRequest {
        max_weight: Some(weight),
        ..AcquireRequest::new("files_5m", "a million items")
    };
    let (mut plans, mut scans) = (Samples::default(), Samples::default());
    for _ in 0..rounds.scans {
        let start = Instant::now();
        server.client.query_one(&scan, &[]).await?;
        scans.add_since(start);
        let start = Instant::now();
        let plan = inventory.plan(&request, None, 1).await?;
        plans.add_since(start);
        ensure!(
            plan.batches
                .first()
                .is_some_and(|batch| batch.id_end == ITEMS),
            "{plan:?}"
        );
    }
    report.add(
        "million_item_plan_over_scan",
        plans.median() / scans.median(),
        Bar::AtMost(3.0),
    );
    report.add("million_item_plan_ms", plans.median() * 1e3, Bar::None);
    #[allow(clippy::cast_precision_loss)]
    let memory = inventory.peak_memory_bytes() as f64;
    report.add(
        "million_item_component_memory_bytes",
        memory,
        Bar::AtMost(16.0 * 1024.0 * 1024.0),
    );
    Ok(())
}
