//! Single claims on PostgreSQL: against the floor, and against the size of the backlog.

use std::time::Instant;

use anyhow::{Result, bail};
use batchintory_wasmtime::{AcquireRequest, Acquired, Inventory, Outcome};

use crate::floor::{ByHand, Sending};
use crate::report::{Bar, Report};
use crate::tables::{BATCH_WEIGHT, Server};
use crate::timing::{Rounds, Samples};

/// What a round of our own took.
#[derive(Default)]
pub struct Ours {
    /// Claiming a batch.
    pub acquire: Samples,
    /// Ending it.
    pub complete: Samples,
}

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    let inventory = Inventory::open(&server.url).await?;
    inventory.migrate().await?;
    // As behind poolers, where names are not safe.
    let without_names = Inventory::open(&format!("{}?statement_cache=0", server.url)).await?;

    for (sending, acquire_key, complete_key, bar) in [
        (
            Sending::Unnamed,
            "acquire_over_floor",
            "complete_over_floor",
            Bar::AtMost(1.3),
        ),
        (
            Sending::Prepared,
            "acquire_over_prepared_floor",
            "complete_over_prepared_floor",
            Bar::None,
        ),
    ] {
        let job = acquire_key;
        let by_hand = ByHand::new(&server.client, "files_1m", sending).await?;
        let request = request("files_1m", job);
        let mut ours = Ours::default();
        let mut floor = Ours::default();
        // A long backlog, of which the rounds claim a small part.
        for round in 0..rounds.claims {
            let start = Instant::now();
            let claimed = by_hand
                .acquire("files_1m", job, BATCH_WEIGHT, u128::from(rand(round, job)))
                .await?;
            floor.acquire.add_since(start);
            if !(50..200).contains(&claimed.count) {
                bail!("{} items by hand", claimed.count);
            }
            let start = Instant::now();
            by_hand.complete(&claimed).await?;
            floor.complete.add_since(start);
            let inventory = match sending {
                Sending::Unnamed => &without_names,
                Sending::Prepared => &inventory,
            };
            claim(inventory, &request, &mut ours).await?;
        }
        report.add(
            acquire_key,
            ours.acquire.median() / floor.acquire.median(),
            bar,
        );
        report.add(
            complete_key,
            ours.complete.median() / floor.complete.median(),
            bar,
        );
        let [acquire_us, complete_us] = match sending {
            Sending::Unnamed => ["acquire_unnamed_us", "complete_unnamed_us"],
            Sending::Prepared => ["acquire_us", "complete_us"],
        };
        report.add(acquire_us, ours.acquire.median() * 1e6, Bar::None);
        report.add(complete_us, ours.complete.median() * 1e6, Bar::None);
    }

    let (mut small, mut large) = (Ours::default(), Ours::default());
    for round in 0..rounds.claims {
        // A job of its own each few rounds, since the small table has only some hundred batches.
        let job = format!("by size {}", round / 50);
        claim(&inventory, &request("files_10k", &job), &mut small).await?;
        claim(&inventory, &request("files_5m", &job), &mut large).await?;
    }
    report.add(
        "acquire_5m_over_10k",
        large.acquire.median() / small.acquire.median(),
        Bar::AtMost(1.3),
    );
    Ok(())
}

/// A batch of about 100 items.
pub fn request(table: &str, job: &str) -> AcquireRequest {
    AcquireRequest {
        max_weight: Some(BATCH_WEIGHT),
        ..AcquireRequest::new(table, job)
    }
}

/// Claims a batch and ends it.
pub async fn claim(inventory: &Inventory, request: &AcquireRequest, ours: &mut Ours) -> Result<()> {
    let start = Instant::now();
    let Acquired::Batch(batch) = inventory.acquire(request).await? else {
        bail!("nothing left in {}", request.meta_table);
    };
    ours.acquire.add_since(start);
    if !(10..200).contains(&batch.count) {
        bail!("{} items", batch.count);
    }
    let start = Instant::now();
    inventory
        .complete(&batch.claim_token, &Outcome::succeeded(None))
        .await?;
    ours.complete.add_since(start);
    Ok(())
}

/// A token that no other round has.
pub fn rand(round: usize, job: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (round, job).hash(&mut hasher);
    hasher.finish()
}
