//! A worker's whole turn on PostgreSQL, beside five statements by hand: end, where the job stands, page,
//! claim, items.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use batchintory_wasmtime::batchintory::{Acquisition, Advanced, Completion};
use batchintory_wasmtime::{Inventory, Outcome};

use crate::claims::request;
use crate::floor::{ByHand, Claimed, Sending};
use crate::report::{Bar, Report};
use crate::tables::{BATCH_WEIGHT, Server};
use crate::timing::{Rounds, Samples};

/// More than a batch has.
const ITEMS: u32 = 1_000;

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    let prepared = Inventory::open(&server.url).await?;
    prepared.migrate().await?;
    let unnamed = Inventory::open(&format!("{}?statement_cache=0", server.url)).await?;
    for (sending, inventory, keys, bars) in [
        (
            Sending::Prepared,
            &prepared,
            [
                "loop_over_prepared_floor",
                "acquire_items_over_prepared_floor",
                "loop_us",
            ],
            [Bar::AtMost(0.6), Bar::AtMost(0.8)],
        ),
        (
            Sending::Unnamed,
            &unnamed,
            [
                "loop_unnamed_over_unnamed_floor",
                "acquire_items_unnamed_over_unnamed_floor",
                "loop_unnamed_us",
            ],
            [Bar::AtMost(0.9), Bar::None],
        ),
    ] {
        let [turn_key, claim_key, us] = keys;
        let by_hand = ByHand::new(&server.client, "files_1m", sending).await?;
        let mut samples = [(); 4].map(|()| Samples::default());
        let [our_turn, our_claim, their_turn, their_claim] = &mut samples;
        let (mut ours, mut theirs) = (None, None);
        for round in 0..rounds.claims {
            let start = Instant::now();
            ours = Some(our_end_and_next(inventory, turn_key, ours).await?);
            our_turn.add_since(start);
            let start = Instant::now();
            theirs = Some(their_end_and_next(&by_hand, turn_key, round, theirs).await?);
            their_turn.add_since(start);
            let start = Instant::now();
            our_end_and_next(inventory, claim_key, None).await?;
            our_claim.add_since(start);
            let start = Instant::now();
            their_end_and_next(&by_hand, claim_key, round, None).await?;
            their_claim.add_since(start);
        }
        let [turn_bar, claim_bar] = bars;
        report.add(turn_key, our_turn.median() / their_turn.median(), turn_bar);
        report.add(
            claim_key,
            our_claim.median() / their_claim.median(),
            claim_bar,
        );
        report.add(us, our_turn.median() * 1e6, Bar::None);
    }
    Ok(())
}

async fn our_end_and_next(
    inventory: &Inventory,
    job: &str,
    done: Option<Completion>,
) -> Result<Completion> {
    let request = request("files_1m", job);
    let Advanced { not_ended, next } = inventory
        .advance(done.as_ref(), &request, None, ITEMS)
        .await?;
    let acquired = next?;
    let Acquisition::Batch(batch) = acquired.acquisition else {
        bail!("nothing left");
    };
    ensure!(not_ended.is_none() && acquired.items.len() as u64 == batch.count);
    Ok(Completion {
        claim_token: batch.claim_token,
        outcome: Outcome::succeeded(None),
    })
}

async fn their_end_and_next(
    by_hand: &ByHand<'_>,
    job: &str,
    round: usize,
    done: Option<Claimed>,
) -> Result<Claimed> {
    if let Some(done) = done {
        by_hand.complete(&done).await?;
    }
    let token = u128::from(crate::claims::rand(round, job));
    let claimed = by_hand
        .acquire("files_1m", job, BATCH_WEIGHT, token)
        .await?;
    let items = by_hand.items(&claimed).await?;
    ensure!(i64::try_from(items.len()) == Ok(claimed.count));
    Ok(claimed)
}
