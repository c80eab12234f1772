//! A worker's whole turn on PostgreSQL, beside five statements by hand: end, where the job stands, page,
//! claim, items.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use batchintory_wasmtime::batchintory::{Acquisition, Completion};
use batchintory_wasmtime::{Access, Inventory, Outcome, connect};

use crate::claims::request;
use crate::floor::{ByHand, Claimed, Sending};
use crate::recorder::Recorder;
use crate::report::{Bar, Report};
use crate::tables::{BATCH_WEIGHT, Server, connected, make_in_sqlite};
use crate::timing::{Rounds, Samples};

/// The meta table.
const TABLE: &str = "files_1m";
/// More than a batch has.
const ITEMS: u32 = 1_000;

/// How both sides send, and how commits end.
struct Way {
    sending: Sending,
    /// Options of our URL, and a statement that sets theirs up.
    options: &'static str,
    setup: &'static str,
    turn: (&'static str, Bar),
    claim: (&'static str, Bar),
    microseconds: &'static str,
}

const WAYS: [Way; 4] = [
    Way {
        sending: Sending::Prepared,
        options: "",
        setup: "",
        turn: ("loop_over_prepared_floor", Bar::AtMost(0.6)),
        claim: ("acquire_items_over_prepared_floor", Bar::AtMost(0.8)),
        microseconds: "loop_us",
    },
    Way {
        sending: Sending::Unnamed,
        options: "?statement_cache=0",
        setup: "",
        turn: ("loop_unnamed_over_unnamed_floor", Bar::AtMost(0.9)),
        claim: ("acquire_items_unnamed_over_unnamed_floor", Bar::None),
        microseconds: "loop_unnamed_us",
    },
    Way {
        sending: Sending::Prepared,
        options: "?options=-c%20synchronous_commit%3Doff",
        setup: "SET synchronous_commit = off",
        turn: (
            "loop_over_prepared_floor_without_waiting_for_disk",
            Bar::AtMost(0.6),
        ),
        claim: (
            "acquire_items_over_prepared_floor_without_waiting_for_disk",
            Bar::AtMost(0.8),
        ),
        microseconds: "loop_without_waiting_for_disk_us",
    },
    Way {
        sending: Sending::Unnamed,
        options: "?statement_cache=0&options=-c%20synchronous_commit%3Doff",
        setup: "SET synchronous_commit = off",
        turn: (
            "loop_unnamed_over_unnamed_floor_without_waiting_for_disk",
            Bar::AtMost(0.9),
        ),
        claim: (
            "acquire_items_unnamed_over_unnamed_floor_without_waiting_for_disk",
            Bar::None,
        ),
        microseconds: "loop_unnamed_without_waiting_for_disk_us",
    },
];

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    for way in WAYS {
        measure_way(server, &way, rounds, report).await?;
    }
    count_statements(server, report).await
}

async fn measure_way(
    server: &Server,
    way: &Way,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    let inventory = Inventory::open(&format!("{}{}", server.url, way.options)).await?;
    inventory.migrate().await?;
    let client = connected(&server.url).await?;
    client.batch_execute(way.setup).await?;
    let by_hand = ByHand::new(&client, TABLE, way.sending).await?;
    let ((turn_key, turn_bar), (claim_key, claim_bar)) = (way.turn, way.claim);
    let mut samples = [(); 4].map(|()| Samples::default());
    let [our_turn, our_claim, their_turn, their_claim] = &mut samples;
    let (mut ours, mut theirs) = (None, None);
    for round in 0..rounds.claims {
        let start = Instant::now();
        ours = Some(end_and_next(&inventory, TABLE, turn_key, ours).await?);
        our_turn.add_since(start);
        let start = Instant::now();
        theirs = Some(their_end_and_next(&by_hand, turn_key, round, theirs).await?);
        their_turn.add_since(start);
        let start = Instant::now();
        end_and_next(&inventory, TABLE, claim_key, None).await?;
        our_claim.add_since(start);
        let start = Instant::now();
        their_end_and_next(&by_hand, claim_key, round, None).await?;
        their_claim.add_since(start);
    }
    let (turn, claim) = (our_turn.median(), our_claim.median());
    report.add(turn_key, turn / their_turn.median(), turn_bar);
    report.add(claim_key, claim / their_claim.median(), claim_bar);
    report.add(way.microseconds, turn * 1e6, Bar::None);
    Ok(())
}

/// How many statements a turn is. MariaDB's are counted by a test, `advance::on_mysql`.
async fn count_statements(server: &Server, report: &mut Report) -> Result<()> {
    let postgresql = || async { connect(&server.url, Access::ReadWrite).await };
    let sqlite = connect("sqlite::memory:", Access::Create).await?;
    make_in_sqlite(sqlite.as_ref(), TABLE, 1_000).await?;
    let one = Recorder::before(postgresql().await?);
    let sqlite = Recorder::before(sqlite);
    let (inventory, meta) = (
        Recorder::before(postgresql().await?),
        Recorder::before(postgresql().await?),
    );
    for (key, inventory, meta, most) in [
        ("statements_per_loop_postgresql", &one, &one, 1.0),
        ("statements_per_loop_sqlite", &sqlite, &sqlite, 3.0),
        ("statements_per_loop_two_databases", &inventory, &meta, 5.0),
    ] {
        let opened = Inventory::builder()
            .inventory(inventory.clone())
            .meta(meta.clone())
            .build()?;
        opened.migrate().await?;
        let mut done = None;
        let mut statements = 0;
        for _ in 0..5 {
            inventory.take();
            meta.take();
            done = Some(end_and_next(&opened, TABLE, key, done).await?);
            statements = inventory.take().len() + meta.take().len();
        }
        #[allow(clippy::cast_precision_loss)]
        report.add(key, statements as f64, Bar::AtMost(most));
    }
    Ok(())
}

/// Ends a batch and claims the next one, with its items.
pub async fn end_and_next(
    inventory: &Inventory,
    table: &str,
    job: &str,
    done: Option<Completion>,
) -> Result<Completion> {
    let request = request(table, job);
    let advanced = inventory.advance(done.as_ref(), &request, None, ITEMS);
    let acquired = advanced.await?.next?;
    let Acquisition::Batch(batch) = acquired.acquisition else {
        bail!("nothing left in {table}");
    };
    let mut items = acquired.items.len() as u64;
    if items == 0 {
        // Where the claim cannot bring them.
        items = (inventory.items(&batch.claim_token, None, ITEMS).await?).len() as u64;
    }
    ensure!(items == batch.count);
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
    let claimed = by_hand.acquire(TABLE, job, BATCH_WEIGHT, token).await?;
    let items = by_hand.items(&claimed).await?;
    ensure!(i64::try_from(items.len()) == Ok(claimed.count));
    Ok(claimed)
}
