//! Rows that become visible out of the order of their ids in MySQL and MariaDB, from real concurrent
//! transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use batchintory::{Error as PlannerError, NothingReason, Settle};
use batchintory_tests::{TestDatabase, mysql};
use batchintory_wasmtime::{Access, Acquired, Error, Inventory, connect};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use super::settling::{DELAY, WRITERS, random, read, read_while_written, request};

const INSERT: &str = "INSERT INTO files (item, weight) VALUES ('x', 1)";

async fn client(url: &str) -> Result<Conn> {
    Ok(Conn::new(Opts::from_url(url)?).await?)
}

/// A meta table, and a reader with these rights beside SELECT on it, with its inventory elsewhere.
async fn prepare(rights: &[&str]) -> Result<(TestDatabase, Inventory)> {
    let database = mysql().await?;
    let mut owner = client(&database.url).await?;
    let (server, name) = database.url.rsplit_once('/').context("no URL")?;
    let reader = format!("r_{}", name.trim_start_matches("batchintory_"));
    owner
        .query_drop(
            "CREATE TABLE files (uid bigint AUTO_INCREMENT PRIMARY KEY, item text, \
             weight double)",
        )
        .await?;
    for statement in [
        format!("CREATE USER {reader} IDENTIFIED BY 'reader'"),
        format!("GRANT SELECT ON {name}.* TO {reader}"),
    ] {
        owner.query_drop(statement).await?;
    }
    for right in rights {
        owner
            .query_drop(format!("GRANT SELECT ON {right} TO {reader}"))
            .await?;
    }
    let host = server.rsplit('@').next().context("no host")?;
    let url = format!("mysql://{reader}:reader@{host}/{name}");
    let inventory = Inventory::builder()
        .inventory(connect("sqlite::memory:", Access::Create).await?)
        .meta(connect(&url, Access::ReadOnly).await?)
        .build()?;
    inventory.migrate().await?;
    Ok((database, inventory))
}

/// The rights that the fence needs.
const RIGHTS: [&str; 2] = [
    "performance_schema.metadata_locks",
    "performance_schema.threads",
];

/// Ends a prepared transaction whose session is gone, or about to be.
async fn commit_prepared(client: &mut Conn, name: &str) -> Result<()> {
    const UNKNOWN: u16 = 1397;
    loop {
        match client.query_drop(format!("XA COMMIT '{name}'")).await {
            Err(mysql_async::Error::Server(error)) if error.code == UNKNOWN => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            answer => return Ok(answer?),
        }
    }
}

/// Inserts, waits, and commits; each fifth time rolls back, now and then to a savepoint, or leaves the end
/// to somebody else, and its session.
async fn write(
    url: String,
    seed: u32,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicI64>,
) -> Result<()> {
    let mut session = client(&url).await?;
    let mut state = u64::from(seed) + 1;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let pause = Duration::from_micros(random(&mut state) % u64::try_from(DELAY.as_micros())?);
        let choice = random(&mut state) % 10;
        if choice == 3 {
            let name = format!("writer {seed} {number}");
            session.query_drop(format!("XA START '{name}'")).await?;
            session.query_drop(INSERT).await?;
            session.query_drop(format!("XA END '{name}'")).await?;
            tokio::time::sleep(pause / 2).await;
            session.query_drop(format!("XA PREPARE '{name}'")).await?;
            session.disconnect().await?;
            session = client(&url).await?;
            tokio::time::sleep(pause / 2).await;
            commit_prepared(&mut session, &name).await?;
            written.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        session.query_drop("BEGIN").await?;
        session.query_drop(INSERT).await?;
        tokio::time::sleep(pause).await;
        match choice {
            0 | 1 => session.query_drop("ROLLBACK").await?,
            2 => {
                for statement in [
                    "SAVEPOINT here",
                    INSERT,
                    "ROLLBACK TO SAVEPOINT here",
                    INSERT,
                    "COMMIT",
                ] {
                    session.query_drop(statement).await?;
                }
                written.fetch_add(2, Ordering::Relaxed);
            }
            _ => {
                session.query_drop("COMMIT").await?;
                written.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    session.disconnect().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_misses_no_row_that_is_committed_late() -> Result<()> {
    let (database, inventory) = prepare(&RIGHTS).await?;
    // One row comes late whatever becomes of those that do so by chance.
    let (mut slow, mut fast) = (client(&database.url).await?, client(&database.url).await?);
    slow.query_drop("BEGIN").await?;
    slow.query_drop(INSERT).await?;
    fast.query_drop(INSERT).await?;
    let mut without = read(&inventory, &request(Settle::None)).await?;
    let mut with = read(&inventory, &request(Settle::CommitOrder)).await?;
    slow.query_drop("COMMIT").await?;

    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicI64::new(2));
    let writers: Vec<_> = (0..WRITERS)
        .map(|seed| {
            let (url, stop, written) = (database.url.clone(), stop.clone(), written.clone());
            tokio::spawn(write(url, seed, stop, written))
        })
        .collect();
    let (fenced, unfenced) = read_while_written(&inventory, &stop, writers).await?;
    let with = with.take().unwrap_or_default() + fenced;
    let without = without.take().unwrap_or_default() + unfenced;
    let written = u64::try_from(written.load(Ordering::Relaxed))?;
    println!("{written} rows: {with} with the fence, {without} without");
    assert_eq!(with, written);
    assert!(
        without < written,
        "the race that the fence is for did not happen"
    );
    Ok(())
}

/// The reason why there is nothing.
async fn nothing(inventory: &Inventory, meta_table: &str) -> Result<NothingReason> {
    let mut request = request(Settle::CommitOrder);
    request.meta_table = meta_table.into();
    match inventory.acquire(&request).await? {
        Acquired::Nothing(nothing) => Ok(nothing.reason),
        Acquired::Batch(batch) => bail!("{} to {}", batch.id_start, batch.id_end),
    }
}

/// Up to which id a batch reaches.
async fn reached(inventory: &Inventory, meta_table: &str) -> Result<i64> {
    let mut request = request(Settle::CommitOrder);
    request.meta_table = meta_table.into();
    match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => {
            batch.succeed().await?;
            Ok(batch.id_end)
        }
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

#[tokio::test]
async fn a_transaction_that_goes_on_holds_planning_back() -> Result<()> {
    let (database, inventory) = prepare(&RIGHTS).await?;
    let (mut slow, mut fast) = (client(&database.url).await?, client(&database.url).await?);
    let views = [
        "CREATE TABLE more (uid bigint AUTO_INCREMENT PRIMARY KEY, item text, weight double)",
        "CREATE VIEW seen AS SELECT * FROM files WHERE weight > 0",
        "CREATE VIEW seen_again AS SELECT * FROM seen UNION ALL SELECT * FROM more",
    ];
    for view in views {
        fast.query_drop(view).await?;
    }
    slow.query_drop("BEGIN").await?;
    slow.query_drop(INSERT).await?;
    fast.query_drop(INSERT).await?;
    for table in ["files", "seen_again"] {
        assert_eq!(nothing(&inventory, table).await?, NothingReason::Held);
    }
    slow.query_drop("ROLLBACK").await?;
    for table in ["files", "seen_again"] {
        assert_eq!(reached(&inventory, table).await?, 2);
    }

    // Once it is prepared, and its session gone, the server forgets its lock.
    for statement in [
        "XA START 'left'",
        INSERT,
        "XA END 'left'",
        "XA PREPARE 'left'",
    ] {
        slow.query_drop(statement).await?;
    }
    slow.disconnect().await?;
    fast.query_drop(INSERT).await?;
    assert_eq!(nothing(&inventory, "files").await?, NothingReason::Held);
    commit_prepared(&mut fast, "left").await?;
    assert_eq!(reached(&inventory, "files").await?, 4);
    Ok(())
}

/// Why settling on a table is refused.
async fn refused(inventory: &Inventory, meta_table: &str) -> Result<String> {
    let mut request = request(Settle::CommitOrder);
    request.meta_table = meta_table.into();
    match inventory.acquire(&request).await {
        Err(Error::Planner(PlannerError::InvalidRequest(why))) => Ok(why.message),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("it is not refused"),
    }
}

#[tokio::test]
async fn what_the_fence_cannot_see_is_refused() -> Result<()> {
    let (_, without_rights) = prepare(&[]).await?;
    let message = refused(&without_rights, "files").await?;
    assert!(
        message.contains("grant SELECT on performance_schema.metadata_locks"),
        "{message}"
    );

    let (database, inventory) = prepare(&RIGHTS).await?;
    let mut owner = client(&database.url).await?;
    for statement in [
        "INSTALL PLUGIN IF NOT EXISTS BLACKHOLE SONAME 'ha_blackhole'",
        "CREATE TABLE nowhere (uid bigint PRIMARY KEY, item text, weight double) ENGINE = BLACKHOLE",
        "CREATE VIEW partly AS SELECT * FROM files UNION ALL SELECT * FROM nowhere",
    ] {
        owner.query_drop(statement).await?;
    }
    for (table, reason) in [
        ("nowhere", "the engine of nowhere is BLACKHOLE"),
        ("partly", "the engine of nowhere is BLACKHOLE"),
    ] {
        let message = refused(&inventory, table).await?;
        assert!(message.contains(reason), "{message}");
    }
    Ok(())
}
