//! Real faults: workers killed at random, servers that crash, connections that are cut, a pooler in between.
//!
//! Each test lets many worker processes do one job while a villain, told by a seed, does its worst. It
//! goes by how far the job is and not by the clock. Afterwards every item lies in exactly one range that
//! succeeded, once.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use batchintory::Value;
use batchintory_tests::proxy::Proxy;
use batchintory_tests::server::{OwnPostgres, PgBouncer};
use batchintory_tests::sqlite;
use batchintory_tests::tables::{Series, Table, execute};
use batchintory_wasmtime::{Access, Database, Inventory, connect};
use tokio::process::{Child, Command};

/// So many items, with gaps in their ids.
const ITEMS: i64 = 100_000;
const MAX_COUNT: &str = "100";
/// Short, so that what a killed worker leaves is soon handed out again.
const LEASE_SECONDS: &str = "2";
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What the villain has done.
#[derive(Debug, Default)]
struct Deeds {
    kills: u32,
    crashes: u32,
    cuts: u32,
}

/// The villain's means.
#[derive(Default)]
struct Means<'a> {
    /// Kills a worker whenever so many more batches have succeeded.
    batches_per_kill: u64,
    /// Crashes this server, four times on the way.
    server: Option<&'a OwnPostgres>,
    /// Cuts all connections of this proxy, nine times on the way.
    proxy: Option<&'a Proxy>,
}

/// Makes the meta table and the inventory.
async fn prepare(database: &dyn Database, url: &str) -> Result<()> {
    let files = Table {
        series: Some(Series {
            from: 1,
            to: ITEMS * 8 / 7 + 1,
            weight: 1.0,
        }),
        ..Table::files(Vec::new())
    };
    files.create(database).await?;
    execute(database, "DELETE FROM files WHERE uid % 8 = 3", &[]).await?;
    Inventory::open(url).await?.migrate().await?;
    Ok(())
}

fn hire(url: &str) -> Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_persistent-worker"))
        .args([url, "files", "job", MAX_COUNT, LEASE_SECONDS])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .context("no worker")
}

/// Numbers by chance, but the same for a seed (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap_or_default()
    }
}

/// Lets so many workers do the job while the villain is at it; killed ones are replaced.
async fn work(
    database: &dyn Database,
    worker_url: &str,
    workers: usize,
    means: Means<'_>,
) -> Result<Deeds> {
    let mut chance = Chance(0x5EED);
    let mut deeds = Deeds::default();
    let mut hired = Vec::new();
    for _ in 0..workers {
        hired.push(hire(worker_url)?);
    }
    let all = u64::try_from(ITEMS)? / MAX_COUNT.parse::<u64>()?;
    let mut next_kill = means.batches_per_kill;
    let mut next_crash = all / 5;
    let mut next_cut = all / 10;
    while !hired.is_empty() {
        tokio::time::sleep(LOOK_AGAIN).await;
        let mut still_at_it = Vec::new();
        for mut worker in hired {
            match worker.try_wait()? {
                None => still_at_it.push(worker),
                Some(status) => ensure!(status.success(), "a worker failed: {status}"),
            }
        }
        hired = still_at_it;
        // It may be down just now.
        let Ok(succeeded) = count_succeeded(database).await else {
            continue;
        };
        if means.batches_per_kill > 0 && succeeded >= next_kill && !hired.is_empty() {
            next_kill = succeeded + means.batches_per_kill;
            let mut worker = hired.swap_remove(chance.below(hired.len()));
            if kill(&mut worker).await? {
                deeds.kills += 1;
            }
            hired.push(hire(worker_url)?);
        }
        if let Some(server) = means.server
            && succeeded >= next_crash
        {
            next_crash = succeeded + all / 5;
            server.stop_immediately()?;
            server.restart()?;
            deeds.crashes += 1;
        }
        if let Some(proxy) = means.proxy
            && succeeded >= next_cut
        {
            next_cut = succeeded + all / 10;
            proxy.cut();
            tokio::time::sleep(LOOK_AGAIN).await;
            proxy.heal();
            deeds.cuts += 1;
        }
    }
    Ok(deeds)
}

/// Kills a worker, unless it has just done its work; whether it was killed.
async fn kill(worker: &mut Child) -> Result<bool> {
    worker.start_kill()?;
    let status: ExitStatus = worker.wait().await?;
    Ok(!status.success())
}

async fn count_succeeded(database: &dyn Database) -> Result<u64> {
    let count = "SELECT CAST(count(*) AS bigint) FROM inventory WHERE status = 'succeeded'";
    let rows = (database.query(count, &[]).await).map_err(|error| anyhow!("{error:?}"))?;
    match rows.rows.first().map(Vec::as_slice) {
        Some([Value::Int64(count)]) => Ok(u64::try_from(*count)?),
        other => bail!("{other:?}"),
    }
}

/// Reads rows of integers.
async fn integers<const N: usize>(database: &dyn Database, select: &str) -> Result<Vec<[i64; N]>> {
    let rows = (database.query(select, &[]).await).map_err(|error| anyhow!("{error:?}"))?;
    (rows.rows.iter())
        .map(|row| {
            let numbers: Vec<i64> = (row.iter())
                .map(|value| match value {
                    Value::Int64(number) => Ok(*number),
                    other => bail!("{other:?} is no integer"),
                })
                .collect::<Result<_>>()?;
            <[i64; N]>::try_from(numbers).map_err(|row| anyhow!("{row:?}"))
        })
        .collect()
}

/// Every item lies in exactly one succeeded attempt. Gives back how many attempts there were, and how many
/// of them succeeded.
async fn check(database: &dyn Database) -> Result<(usize, usize)> {
    let attempts = integers::<6>(
        database,
        "SELECT CAST(batch_id_after AS bigint), CAST(batch_id_start AS bigint), \
         CAST(batch_id_end AS bigint), CAST(batch_count AS bigint), CAST(attempt AS bigint), \
         CAST(CASE status WHEN 'succeeded' THEN 1 WHEN 'failed' THEN 0 ELSE 2 END AS bigint) \
         FROM inventory ORDER BY batch_id_after, attempt",
    )
    .await?;
    let uids = integers::<1>(
        database,
        "SELECT CAST(uid AS bigint) FROM files ORDER BY uid",
    )
    .await?;
    ensure!(uids.len() as i64 == ITEMS, "{} items", uids.len());
    let mut ranges: BTreeMap<i64, Vec<[i64; 6]>> = BTreeMap::new();
    for attempt in &attempts {
        ranges.entry(attempt[0]).or_default().push(*attempt);
    }
    let mut end_before = i64::MIN;
    let mut left = uids.iter().map(|[uid]| *uid).peekable();
    for (after, attempts) in &ranges {
        assert_eq!(*after, end_before, "the chain has a gap");
        let Some([_, start, end, count, ..]) = attempts.first().copied() else {
            continue;
        };
        for (index, attempt) in attempts.iter().enumerate() {
            assert_eq!(
                attempt[1..4],
                [start, end, count],
                "one range: {attempts:?}"
            );
            assert_eq!(attempt[4] as usize, index + 1, "numbered: {attempts:?}");
            // Exactly the last attempt succeeded, and none still runs.
            let succeeded = i64::from(index + 1 == attempts.len());
            assert_eq!(attempt[5], succeeded, "{attempts:?}");
        }
        let mut inside = 0;
        while left.next_if(|uid| *uid <= end).is_some_and(|uid| {
            assert!(uid >= start, "the item {uid} was left out");
            true
        }) {
            inside += 1;
        }
        assert_eq!(inside, count, "items in {start} to {end}");
        end_before = end;
    }
    assert_eq!(left.next(), None, "never handed out");
    Ok((attempts.len(), ranges.len()))
}

/// The URL of a database on another server.
fn on(url: &str, address: &str) -> Result<String> {
    let mut url = url::Url::parse(url)?;
    let (host, port) = address.rsplit_once(':').context("no port")?;
    url.set_host(Some(host))?;
    ensure!(
        url.set_port(Some(port.parse()?)).is_ok(),
        "no port can be set"
    );
    Ok(url.to_string())
}

/// What the villain did and what became of it: it must have done harm.
fn tell(deeds: &Deeds, (attempts, ranges): (usize, usize)) {
    println!("{deeds:?}: {attempts} attempts at {ranges} ranges");
    assert!(deeds.kills > 5, "{deeds:?}");
    assert!(
        attempts > ranges,
        "nothing was handed out again: the villain did no harm"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_crashes_and_cut_connections_on_postgresql() -> Result<()> {
    let server = OwnPostgres::start(r"read\ committed")?;
    let proxy = Proxy::before(server.address()).await?;
    let database = connect(&server.url(), Access::ReadWrite).await?;
    prepare(database.as_ref(), &server.url()).await?;
    let worker_url = on(&server.url(), &proxy.address.to_string())?;
    let means = Means {
        batches_per_kill: 25,
        server: Some(&server),
        proxy: Some(&proxy),
    };
    let deeds = work(database.as_ref(), &worker_url, 16, means).await?;
    tell(&deeds, check(database.as_ref()).await?);
    assert!(deeds.crashes > 2 && deeds.cuts > 4, "{deeds:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_crashes_at_serializable() -> Result<()> {
    let server = OwnPostgres::start("serializable")?;
    let database = connect(&server.url(), Access::ReadWrite).await?;
    let isolation = "SELECT CAST(current_setting('transaction_isolation') AS text)";
    let rows = (database.query(isolation, &[]).await).map_err(|error| anyhow!("{error:?}"))?;
    assert_eq!(rows.rows, [[Value::Text("serializable".into())]]);
    prepare(database.as_ref(), &server.url()).await?;
    let means = Means {
        batches_per_kill: 50,
        server: Some(&server),
        proxy: None,
    };
    let deeds = work(database.as_ref(), &server.url(), 16, means).await?;
    tell(&deeds, check(database.as_ref()).await?);
    assert!(deeds.crashes > 2, "{deeds:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_crashes_behind_pgbouncer_in_transaction_mode() -> Result<()> {
    let server = OwnPostgres::start(r"read\ committed")?;
    let database = connect(&server.url(), Access::ReadWrite).await?;
    prepare(database.as_ref(), &server.url()).await?;
    let pooler = PgBouncer::before(&url::Url::parse(&server.url())?)?;
    let worker_url = on(&server.url(), &pooler.address())?;
    let means = Means {
        batches_per_kill: 50,
        server: Some(&server),
        proxy: None,
    };
    let deeds = work(database.as_ref(), &worker_url, 16, means).await?;
    tell(&deeds, check(database.as_ref()).await?);
    assert!(deeds.crashes > 2, "{deeds:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_on_one_sqlite_file() -> Result<()> {
    let database = sqlite().await?;
    prepare(database.connection.as_ref(), &database.url).await?;
    let means = Means {
        batches_per_kill: 50,
        ..Means::default()
    };
    let deeds = work(database.connection.as_ref(), &database.url, 8, means).await?;
    tell(&deeds, check(database.connection.as_ref()).await?);
    Ok(())
}
