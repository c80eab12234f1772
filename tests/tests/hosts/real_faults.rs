//! Real faults: workers killed at random, servers that crash, connections that are cut, a pooler in between.
//!
//! Each test lets many worker processes do one job while a villain, told by a seed, does its worst. Workers
//! say when they have a batch and wait until they may go on, so the villain goes by how far the job is, and
//! not by the clock. Afterwards every item lies in exactly one range that succeeded, once.

use std::collections::{BTreeMap, VecDeque};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use batchintory::Value;
use batchintory_tests::proxy::Proxy;
use batchintory_tests::server::{OwnPostgres, PgBouncer};
use batchintory_tests::sqlite;
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::turns::Turns;
use batchintory_wasmtime::{Access, Database, Inventory, connect};
use tokio::process::{Child, Command};

/// So many items, with gaps in their ids.
const ITEMS: i64 = 50_000;
const MAX_COUNT: i64 = 100;
/// So many batches at least.
const BATCHES: u64 = (ITEMS / MAX_COUNT) as u64;
/// As good as for ever: leases run out when the villain says so.
const LEASE_SECONDS: &str = "86400";
const BATCHES_PER_CRASH: u64 = BATCHES / 5;
const BATCHES_PER_CUT: u64 = BATCHES / 10;
/// How often is looked what has become of the workers, while none has a batch.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// After so many looks at nothing, all leases run out. Who is only slow may lose its batch by that, and goes on.
const LONG_SILENCE: u32 = 20;

/// What the villain has done.
#[derive(Debug, Default)]
struct Deeds {
    kills: u64,
    thefts: u64,
    crashes: u64,
    cuts: u64,
}

/// The villain's means.
#[derive(Default)]
struct Means<'a> {
    /// After so many batches a worker is killed: by turns the one that has the batch, and one that is at
    /// whatever it is at. Halfway between, the lease of the one that has the batch runs out.
    batches_per_kill: u64,
    /// Crashes this server, five times on the way.
    server: Option<&'a OwnPostgres>,
    /// Cuts all connections of this proxy, ten times on the way.
    proxy: Option<&'a Proxy>,
}

/// Makes the meta table and the inventory.
async fn prepare(database: &dyn Database, url: &str) -> Result<()> {
    let files = Table::of_items(ITEMS * 8 / 7 + 1);
    files.create(database).await?;
    execute(database, "DELETE FROM files WHERE uid % 8 = 3", &[]).await?;
    Inventory::open(url).await?.migrate().await?;
    Ok(())
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

/// The workers at a job.
struct Crew<'a> {
    database: &'a dyn Database,
    url: &'a str,
    turns: Turns,
    workers: BTreeMap<String, Child>,
    hired: usize,
}

impl<'a> Crew<'a> {
    fn new(database: &'a dyn Database, url: &'a str, workers: usize) -> Result<Self> {
        let mut crew = Self {
            database,
            url,
            turns: Turns::new()?,
            workers: BTreeMap::new(),
            hired: 0,
        };
        for _ in 0..workers {
            crew.hire()?;
        }
        Ok(crew)
    }

    fn hire(&mut self) -> Result<()> {
        let name = format!("worker-{}", self.hired);
        self.hired += 1;
        let worker = Command::new(env!("CARGO_BIN_EXE_persistent-worker"))
            .args([self.url, "files", "job"])
            .args([&MAX_COUNT.to_string(), LEASE_SECONDS, &name])
            .envs(self.turns.admit(&name)?)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("no worker")?;
        self.workers.insert(name, worker);
        Ok(())
    }

    /// The next worker that has a batch; none if for a while nobody says so.
    async fn next(&mut self) -> Result<Option<String>> {
        match tokio::time::timeout(LOOK_AGAIN, self.turns.next()).await {
            Ok(worker) => Ok(Some(worker?)),
            Err(_) => Ok(None),
        }
    }

    /// Those who have done their work leave, successfully.
    fn see_off(&mut self) -> Result<()> {
        let mut still_at_it = BTreeMap::new();
        for (name, mut worker) in std::mem::take(&mut self.workers) {
            match worker.try_wait()? {
                None => drop(still_at_it.insert(name, worker)),
                Some(status) => {
                    ensure!(status.success(), "{name} failed: {status}");
                    self.turns.dismiss(&name)?;
                }
            }
        }
        self.workers = still_at_it;
        Ok(())
    }

    /// Kills a worker and hires another one.
    async fn kill(&mut self, name: &str) -> Result<()> {
        let mut worker = self.workers.remove(name).context("no such worker")?;
        worker.kill().await?;
        self.turns.dismiss(name)?;
        self.let_time_go_by(Some(name)).await;
        self.hire()
    }

    /// Lets a worker's lease run out, or all of them. The server may be down just now, or the claim of one
    /// that was killed still under way: what is missed here is found in the silence at the end.
    async fn let_time_go_by(&self, worker: Option<&str>) {
        let whose = worker.map(|name| format!(" AND job_identifier = '{name}'"));
        let expire = format!(
            "UPDATE inventory SET lease_expires = processing_start WHERE queue = 'running'{}",
            whose.unwrap_or_default()
        );
        let _ = self.database.query(&expire, &[]).await;
    }
}

/// Lets so many workers do the job while the villain is at it; killed ones are replaced.
async fn work(
    database: &dyn Database,
    worker_url: &str,
    workers: usize,
    means: Means<'_>,
) -> Result<Deeds> {
    let mut crew = Crew::new(database, worker_url, workers)?;
    let mut villain = Villain {
        means,
        chance: Chance(0x5EED),
        deeds: Deeds::default(),
        robbed: VecDeque::new(),
    };
    let mut batches = 0;
    let mut silence = 0_u32;
    while !crew.workers.is_empty() {
        let Some(worker) = crew.next().await? else {
            silence += 1;
            // All wait for what nobody knows to have: who had it was killed, or a crash took both the answer
            // to its claim and the way to look it up.
            if silence.is_multiple_of(LONG_SILENCE) {
                crew.let_time_go_by(None).await;
            }
            villain.let_go(&mut crew, u64::MAX)?;
            crew.see_off()?;
            continue;
        };
        silence = 0;
        batches += 1;
        villain.strike_servers(batches)?;
        if villain.strike_workers(&mut crew, &worker, batches).await? {
            crew.turns.go_on(&worker)?;
        }
        villain.let_go(&mut crew, batches)?;
    }
    Ok(villain.deeds)
}

struct Villain<'a> {
    means: Means<'a>,
    chance: Chance,
    deeds: Deeds,
    /// Workers whose lease was let run out, and after how many batches they go on: somebody else has
    /// theirs then.
    robbed: VecDeque<(String, u64)>,
}

impl Villain<'_> {
    fn strike_servers(&mut self, batches: u64) -> Result<()> {
        if let Some(server) = self.means.server
            && batches.is_multiple_of(BATCHES_PER_CRASH)
        {
            server.stop_immediately()?;
            server.restart()?;
            self.deeds.crashes += 1;
        }
        if let Some(proxy) = self.means.proxy
            && batches.is_multiple_of(BATCHES_PER_CUT)
        {
            proxy.cut();
            proxy.heal();
            self.deeds.cuts += 1;
        }
        Ok(())
    }

    /// What becomes of the worker that has a batch just now; whether it may go on.
    async fn strike_workers(
        &mut self,
        crew: &mut Crew<'_>,
        worker: &str,
        batches: u64,
    ) -> Result<bool> {
        if batches.is_multiple_of(self.means.batches_per_kill) {
            let victim = if self.deeds.kills.is_multiple_of(2) {
                worker.to_owned()
            } else {
                let chosen = self.chance.below(crew.workers.len());
                let name = crew.workers.keys().nth(chosen);
                name.context("a crew has workers")?.clone()
            };
            self.robbed.retain(|(name, _)| *name != victim);
            self.deeds.kills += 1;
            crew.kill(&victim).await?;
            return Ok(victim != worker);
        }
        if batches.is_multiple_of(self.means.batches_per_kill / 2) {
            crew.let_time_go_by(Some(worker)).await;
            let all_others_again = batches + 2 * crew.workers.len() as u64;
            self.robbed.push_back((worker.to_owned(), all_others_again));
            self.deeds.thefts += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// Lets those go on who were robbed long enough ago.
    fn let_go(&mut self, crew: &mut Crew<'_>, batches: u64) -> Result<()> {
        while self.robbed.front().is_some_and(|(_, at)| *at <= batches) {
            if let Some((worker, _)) = self.robbed.pop_front() {
                crew.turns.go_on(&worker)?;
            }
        }
        Ok(())
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
    assert!(deeds.kills >= 10 && deeds.thefts >= 10, "{deeds:?}");
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
    assert!(deeds.crashes >= 5 && deeds.cuts >= 10, "{deeds:?}");
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
    assert!(deeds.crashes >= 5, "{deeds:?}");
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
    assert!(deeds.crashes >= 5, "{deeds:?}");
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
