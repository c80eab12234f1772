//! A primary is lost, and its standby takes its place.
//!
//! What the standby does not have is lost with the primary: nothing where commits wait for it, the latest
//! commits where they do not. Docs: `docs/claims.md`, "Failover".

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use batchintory::{AcquireRequest, Error as PlannerError, HistoryQuery, JobsQuery, Outcome, Value};
use batchintory_tests::proxy::Proxy;
use batchintory_tests::server::{OwnPostgres, Standby};
use batchintory_tests::tables::{Table, execute};
use batchintory_wasmtime::{Access, Acquired, Batch, Database, Error, Inventory, connect};
use tokio::task::JoinSet;

const ITEMS: i64 = 2_000;
const WORKERS: usize = 6;
/// How long a statement is repeated after while the database is away.
const REST: Duration = Duration::from_millis(20);

/// A primary with a standby, and what leads to whichever is the primary.
struct Pair {
    primary: OwnPostgres,
    standby: Standby,
    proxy: Proxy,
}

impl Pair {
    /// With `files` and an inventory on both.
    async fn start(is_synchronous: bool) -> Result<(Self, Inventory)> {
        let primary = OwnPostgres::start(r"read\ committed")?;
        let database = connect(&primary.url(), Access::ReadWrite).await?;
        let files = Table::of_items(ITEMS);
        files.create(database.as_ref()).await?;
        Inventory::open(&primary.url()).await?.migrate().await?;
        let standby = Standby::of(&primary)?;
        if is_synchronous {
            let names = format!(
                "ALTER SYSTEM SET synchronous_standby_names = '{}'",
                Standby::NAME
            );
            execute(database.as_ref(), &names, &[]).await?;
            execute(database.as_ref(), "SELECT pg_reload_conf()", &[]).await?;
            until(database.as_ref(), "sync_state = 'sync'").await?;
        }
        let proxy = Proxy::before(primary.address()).await?;
        let url = format!("postgres://postgres@{}/postgres", proxy.address);
        let pair = Self {
            primary,
            standby,
            proxy,
        };
        Ok((pair, Inventory::open(&url).await?))
    }

    /// Loses the primary; what was the standby takes its place, and is found before it has.
    async fn fail_over(self, inventory: &Inventory) -> Result<(OwnPostgres, Proxy)> {
        self.primary.stop_immediately()?;
        self.proxy.cut();
        self.proxy.lead_to(self.standby.address());
        self.proxy.heal();
        loop {
            match inventory.acquire(&request(10)).await {
                Err(Error::Planner(PlannerError::Unavailable(why)))
                    if why.message.contains("standby") =>
                {
                    break;
                }
                answer => ensure!(is_to_be_repeated(&answer).await, "{answer:?}"),
            }
        }
        let primary = self.standby.promote()?;
        Ok((primary, self.proxy))
    }
}

/// Waits until the primary says this of its standby.
async fn until(primary: &dyn Database, condition: &str) -> Result<()> {
    let statement = format!("SELECT count(*) FROM pg_stat_replication WHERE {condition}");
    loop {
        let answer = primary.query(&statement, &[]).await;
        let rows = answer.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        if rows.rows == [[Value::Int64(1)]] {
            return Ok(());
        }
        tokio::time::sleep(REST).await;
    }
}

fn request(count: u64) -> AcquireRequest {
    AcquireRequest {
        max_count: Some(count),
        lease_seconds: Some(3_600),
        ..AcquireRequest::new("files", "job")
    }
}

/// Whether a call is to be made again, since the database is away; after a rest.
async fn is_to_be_repeated<T>(answer: &Result<T, Error>) -> bool {
    let is_away = matches!(
        answer,
        Err(Error::Planner(
            PlannerError::Unavailable(_) | PlannerError::ExhaustedRetries(_)
        ))
    );
    if is_away {
        tokio::time::sleep(REST).await;
    }
    is_away
}

/// Makes a call again and again while the database is away.
macro_rules! patiently {
    ($call:expr) => {
        loop {
            let answer = $call.await;
            if !is_to_be_repeated(&answer).await {
                break answer;
            }
        }
    };
}

/// A worker that follows the rules: a claim under a token of its own and an end are repeated until they are
/// answered. Gives back the ranges that it processed.
async fn work(inventory: Inventory, worker: usize) -> Result<Vec<(i64, i64)>> {
    let mut done = Vec::new();
    for number in 0.. {
        let token = format!("worker {worker}, batch {number}");
        let acquired = patiently!(inventory.acquire_with_token(&request(10), &token))?;
        let Acquired::Batch(batch) = acquired else {
            break;
        };
        let items = patiently!(batch.items())?;
        ensure!(items.len() == 10, "{} items", items.len());
        done.push((batch.id_start, batch.id_end));
        patiently!(batch.succeed())?;
    }
    Ok(done)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_standby_has_every_claim_and_every_end() -> Result<()> {
    let (pair, inventory) = Pair::start(true).await?;
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        workers.spawn(work(inventory.clone(), worker));
    }
    // In the middle of it.
    let primary = connect(&pair.primary.url(), Access::ReadOnly).await?;
    let third = format!("(SELECT max(batch_id_end) FROM inventory) > {}", ITEMS / 3);
    until(
        primary.as_ref(),
        &format!("sync_state = 'sync' AND {third}"),
    )
    .await?;
    let (_primary, _proxy) = pair.fail_over(&inventory).await?;

    let mut ranges = BTreeMap::new();
    while let Some(worker) = workers.join_next().await {
        for (start, end) in worker?? {
            ensure!(
                ranges.insert(start, end).is_none(),
                "processed twice: {start}"
            );
        }
    }
    // Every item was processed once, and nothing is left in between.
    let mut next = 1;
    for (start, end) in ranges {
        ensure!(start == next, "{start} follows {}", next - 1);
        next = end + 1;
    }
    ensure!(next == ITEMS + 1, "up to {next}");
    let jobs = inventory.jobs(&JobsQuery::default()).await?;
    let [job] = jobs.as_slice() else {
        bail!("{jobs:?}");
    };
    assert_eq!((job.succeeded, job.running, job.failed), (200, 0, 0));
    Ok(())
}

async fn next(inventory: &Inventory) -> Result<Batch> {
    match patiently!(inventory.acquire(&request(500)))? {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asynchronous_standby_loses_the_latest_claims_and_says_so() -> Result<()> {
    let (pair, inventory) = Pair::start(false).await?;
    let kept = next(&inventory).await?;
    kept.succeed().await?;
    let unended = next(&inventory).await?;
    let primary = connect(&pair.primary.url(), Access::ReadOnly).await?;
    until(primary.as_ref(), "replay_lsn = pg_current_wal_lsn()").await?;
    // From here on the standby is behind: the end of a batch, a whole batch, and a claim are lost.
    pair.standby.stop()?;
    unended.succeed().await?;
    let lost = next(&inventory).await?;
    lost.succeed().await?;
    let running = next(&inventory).await?;
    assert_eq!((running.id_start, running.id_end), (1_501, 2_000));
    pair.primary.stop_immediately()?;
    pair.standby.restart()?;
    let Pair { standby, proxy, .. } = pair;
    proxy.cut();
    let primary = standby.promote()?;
    proxy.lead_to(primary.address());
    proxy.heal();

    // Whoever holds a lost batch is told so, whatever it asks.
    let token = running.claim_token.as_str();
    let outcome = Outcome::succeeded(None);
    for answer in [
        patiently!(inventory.heartbeat(token, 60)),
        patiently!(inventory.complete(token, &outcome)),
        patiently!(async { inventory.batch(token).await.map(drop) }),
        patiently!(async { running.items_after(None, 10).await.map(|_| ()) }),
    ] {
        let Err(Error::Planner(PlannerError::NoSuchBatch(why))) = answer else {
            bail!("{answer:?}");
        };
        let message = why.message;
        assert!(
            message.contains("the database has lost the batch"),
            "{message}"
        );
    }
    // An end that was lost can be repeated, since its batch stands.
    unended.succeed().await?;
    // What is handed out anew is what was lost: two ranges, one of which was processed already.
    for expected in [
        (lost.id_start, lost.id_end),
        (running.id_start, running.id_end),
    ] {
        let batch = next(&inventory).await?;
        assert_eq!(
            (batch.id_start, batch.id_end, batch.attempt),
            (expected.0, expected.1, 1)
        );
        batch.succeed().await?;
    }
    ensure!(matches!(
        inventory.acquire(&request(500)).await?,
        Acquired::Nothing(_)
    ));
    let history = inventory.history(&HistoryQuery::default()).await?;
    let ranges: Vec<_> = (history.iter().rev())
        .map(|attempt| (attempt.id_start, attempt.id_end, attempt.status.as_str()))
        .collect();
    assert_eq!(
        ranges,
        [
            (1, 500, "succeeded"),
            (501, 1_000, "succeeded"),
            (1_001, 1_500, "succeeded"),
            (1_501, 2_000, "succeeded"),
        ]
    );
    Ok(())
}
