//! Many processes claim one job at once: every item is handed out exactly once.
//!
//! None goes on with its first batch before all have one, so that all of them are at it.

use std::pin::pin;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::turns::Turns;
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::Inventory;
use futures::future::try_join_all;
use tokio::process::Command;

const PROCESSES: usize = 8;
const ITEMS: i64 = 6_000;

/// Runs the workers and gives the ranges that they claimed, in order.
async fn claim(database: &TestDatabase) -> Result<Vec<(i64, i64, i64)>> {
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    let table = Table::of_items(ITEMS);
    table.create(database.connection.as_ref()).await?;
    // Gaps in the ids.
    execute(
        database.connection.as_ref(),
        "DELETE FROM files WHERE uid % 7 = 0",
        &[],
    )
    .await?;

    let mut turns = Turns::new()?;
    let mut workers = Vec::new();
    for number in 0..PROCESSES {
        let worker = Command::new(env!("CARGO_BIN_EXE_claiming-worker"))
            .args([&database.url, "files", "job", "17"])
            .envs(turns.admit(&number.to_string())?)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        workers.push(async {
            let output = worker.wait_with_output().await?;
            ensure!(output.status.success(), "a worker failed");
            Ok(String::from_utf8(output.stdout)?)
        });
    }
    let mut workers = pin!(try_join_all(workers));
    let mut waiting = Vec::new();
    while waiting.len() < PROCESSES {
        tokio::select! {
            worker = turns.next() => waiting.push(worker?),
            ended = &mut workers => bail!("they have ended before their time: {ended:?}"),
        }
    }
    for worker in waiting {
        turns.go_on(&worker)?;
    }
    let mut ranges = Vec::new();
    for printed in workers.await? {
        for line in printed.lines() {
            let mut numbers = line.split(' ').map(str::parse::<i64>);
            let mut next = || numbers.next().context("too few numbers");
            ranges.push((next()??, next()??, next()??));
        }
    }
    ranges.sort_unstable();
    Ok(ranges)
}

fn check(ranges: &[(i64, i64, i64)]) {
    let mut expected: Vec<i64> = (1..=ITEMS).filter(|uid| uid % 7 != 0).collect();
    expected.reverse();
    for (first, last, count) in ranges {
        let mut inside = 0;
        while expected.last().is_some_and(|uid| uid <= last) {
            assert!(
                expected.last() >= Some(first),
                "{first} to {last} leaves a gap before it"
            );
            expected.pop();
            inside += 1;
        }
        assert_eq!(inside, *count, "items in {first} to {last}: each only once");
    }
    assert!(expected.is_empty(), "never handed out: {expected:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_on_mysql_hand_out_every_id_exactly_once() -> Result<()> {
    check(&claim(&mysql().await?).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_on_postgresql_hand_out_every_id_exactly_once() -> Result<()> {
    check(&claim(&postgres().await?).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_on_one_sqlite_file_hand_out_every_id_exactly_once() -> Result<()> {
    check(&claim(&sqlite().await?).await?);
    Ok(())
}
