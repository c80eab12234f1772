//! Many processes claim one job at once: every item is handed out exactly once.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use batchintory_tests::tables::{Series, Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::Inventory;
use tokio::process::Command;

const PROCESSES: usize = 8;
const ITEMS: i64 = 6_000;

/// Runs the workers and gives the ranges that they claimed, in order, and how many workers had any.
async fn claim(database: &TestDatabase) -> Result<(Vec<(i64, i64, i64)>, usize)> {
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    let table = Table {
        series: Some(Series {
            from: 1,
            to: ITEMS,
            weight: 1.0,
        }),
        ..Table::files(Vec::new())
    };
    table.create(database.connection.as_ref()).await?;
    // Gaps in the ids.
    execute(
        database.connection.as_ref(),
        "DELETE FROM files WHERE uid % 7 = 0",
        &[],
    )
    .await?;

    let workers: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_claiming-worker"))
                .args([&database.url, "files", "job", "17"])
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .spawn()
        })
        .collect::<Result<_, _>>()?;
    let mut ranges = Vec::new();
    let mut busy = 0;
    for worker in workers {
        let output = worker.wait_with_output().await?;
        ensure!(output.status.success(), "a worker failed");
        let lines = String::from_utf8(output.stdout)?;
        busy += usize::from(!lines.is_empty());
        for line in lines.lines() {
            let mut numbers = line.split(' ').map(str::parse::<i64>);
            let mut next = || numbers.next().context("too few numbers");
            ranges.push((next()??, next()??, next()??));
        }
    }
    ranges.sort_unstable();
    Ok((ranges, busy))
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
    let (ranges, busy) = claim(&mysql().await?).await?;
    check(&ranges);
    assert!(
        busy > 1,
        "only one process claimed anything: nothing was shown"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_on_postgresql_hand_out_every_id_exactly_once() -> Result<()> {
    let (ranges, busy) = claim(&postgres().await?).await?;
    check(&ranges);
    assert!(
        busy > 1,
        "only one process claimed anything: nothing was shown"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_on_one_sqlite_file_hand_out_every_id_exactly_once() -> Result<()> {
    let (ranges, busy) = claim(&sqlite().await?).await?;
    check(&ranges);
    assert!(
        busy > 1,
        "only one process claimed anything: nothing was shown"
    );
    Ok(())
}
