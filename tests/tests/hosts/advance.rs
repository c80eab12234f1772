//! Ending a batch and claiming the next with its items, in one statement and step by step.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use batchintory::{
    AcquireRequest, Acquired, Acquisition, Advanced, Batch, Completion, HistoryQuery, Item,
    Outcome, RequeueTarget,
};
use batchintory_tests::recording::{Fault, Recording};
use batchintory_tests::suite::System;
use batchintory_tests::tables::Table;
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Access, Inventory, connect};
use serde_json::json;

const ITEMS: u32 = 1_000;

fn done(batch: &Batch, outcome: Outcome) -> Completion {
    Completion {
        claim_token: batch.claim_token.clone(),
        outcome,
    }
}

fn succeeded(batch: &Batch) -> Completion {
    done(batch, Outcome::succeeded(None))
}

fn by_count(count: u64) -> AcquireRequest {
    AcquireRequest {
        max_count: Some(count),
        ..AcquireRequest::new("files", "by count")
    }
}

fn batch(advanced: Advanced) -> Result<(Batch, Vec<Item>)> {
    match advanced.next? {
        Acquired {
            acquisition: Acquisition::Batch(batch),
            items,
        } => Ok((batch, items)),
        nothing => bail!("{nothing:?}"),
    }
}

/// How many statements each turn of a worker sends.
async fn count_statements(database: TestDatabase, apart: bool, each: usize) -> Result<()> {
    let recording = Recording::new(database.connection.clone());
    let meta = match apart {
        true => Recording::new(database.connection.clone()),
        false => recording.clone(),
    };
    let builder = Inventory::builder().inventory(recording.clone());
    let inventory = builder.meta(meta.clone()).build()?;
    inventory.migrate().await?;
    let table = Table::of_items(1_000);
    table.create(database.connection.as_ref()).await?;
    let by_weight = AcquireRequest {
        max_weight: Some(100.0),
        ..AcquireRequest::new("files", "by weight")
    };
    for request in [by_count(100), by_weight] {
        let (mut last, _) = batch(inventory.advance(None, &request, None, ITEMS).await?)?;
        for turn in 1..10 {
            drop((recording.take(), meta.take()));
            let completion = succeeded(&last);
            let advanced = inventory.advance(Some(&completion), &request, None, ITEMS);
            let (next, items) = batch(advanced.await?)?;
            let mut statements = recording.take();
            statements.extend(meta.take());
            assert_eq!(statements.len(), each, "turn {turn}: {statements:#?}");
            assert_eq!(
                items,
                inventory.items(&next.claim_token, None, ITEMS).await?
            );
            assert_eq!((next.id_start, items.len()), (turn * 100 + 1, 100));
            last = next;
        }
        let completion = succeeded(&last);
        let advanced = inventory.advance(Some(&completion), &request, None, ITEMS);
        let advanced = advanced.await?;
        let Acquisition::Nothing(nothing) = advanced.next?.acquisition else {
            bail!("there is no end");
        };
        assert_eq!(nothing.watermark, Some(1_000));
    }
    let jobs = inventory.jobs(&Default::default()).await?;
    assert!(
        (jobs.iter()).all(|job| job.succeeded == 10 && job.running == 0),
        "{jobs:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_turn_is_one_statement_on_postgresql() -> Result<()> {
    count_statements(postgres().await?, false, 1).await
}

/// Two connections: the planner is not told that they lead to one database.
#[tokio::test]
async fn a_turn_is_five_statements_on_two_databases() -> Result<()> {
    count_statements(postgres().await?, true, 5).await
}

#[tokio::test]
async fn a_turn_is_three_statements_on_sqlite() -> Result<()> {
    count_statements(sqlite().await?, false, 3).await
}

/// The claim takes three, and where its items end is asked by itself. The server is a MariaDB: MySQL needs one
/// more, to read what was claimed.
#[tokio::test]
async fn a_turn_is_six_statements_on_mariadb() -> Result<()> {
    count_statements(mysql().await?, false, 6).await
}

/// A job in one statement where that is possible, and the same job step by step, on rows that have all
/// that a page may show: gaps, heavy ones, ones of no weight, such as a filter passes over, and held ones.
async fn both_ways_are_one(system: System) -> Result<()> {
    let database = system.database().await?;
    let other = connect(&database.url, Access::ReadOnly).await?;
    let at_once = Inventory::builder()
        .inventory(database.connection.clone())
        .build()?;
    let builder = Inventory::builder().inventory(database.connection.clone());
    let in_steps = builder.meta(other).build()?;
    at_once.migrate().await?;
    let rows = (1..400).filter(|uid| uid % 7 != 3).map(|uid| {
        let weight = match uid % 11 {
            0 => json!(50),
            1 => json!(null),
            2 => json!(0),
            rest => json!(rest),
        };
        let item = if uid > 380 {
            "held".into()
        } else {
            format!("f{uid} \u{fc}\"\\\n")
        };
        vec![json!(uid), json!(item), weight]
    });
    Table::files(rows.collect())
        .create(database.connection.as_ref())
        .await?;
    let filter = r#"{"column": "weight", "op": ">=", "value": 4}"#;
    let hold = r#"{"column": "item", "op": "=", "value": "held"}"#;
    for (number, (weight, count, filter, hold)) in [
        (Some(30.0), None, None, None),
        (None, Some(7), None, None),
        (Some(30.0), Some(5), None, Some(hold)),
        (Some(20.0), None, Some(filter), None),
        (None, Some(3), Some(filter), Some(hold)),
        (Some(1e9), None, None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let request = |way: &str| AcquireRequest {
            max_weight: weight,
            max_count: count,
            filter: filter.map(str::to_owned),
            hold: hold.map(str::to_owned),
            id_min: Some(2),
            id_max: Some(395),
            ..AcquireRequest::new("files", format!("{way} {number}"))
        };
        let (first, second) = (request("at once"), request("in steps"));
        let (mut one, mut other) = (None, None);
        loop {
            let next = at_once
                .advance(one.as_ref(), &first, None, ITEMS)
                .await?
                .next?;
            let same = in_steps
                .advance(other.as_ref(), &second, None, ITEMS)
                .await?
                .next?;
            assert_eq!(next.items, same.items);
            let (next, same) = match (next.acquisition, same.acquisition) {
                (Acquisition::Batch(next), Acquisition::Batch(same)) => (next, same),
                (Acquisition::Nothing(next), Acquisition::Nothing(same)) => {
                    assert_eq!(next, same);
                    break;
                }
                different => bail!("{different:?}"),
            };
            let shape = |batch: &Batch| Batch {
                id: 0,
                claim_token: String::new(),
                job: String::new(),
                processing_start: String::new(),
                ..batch.clone()
            };
            assert_eq!(shape(&next), shape(&same));
            // Some fail, and are handed out again before what is new.
            let outcome = match next.id_start % 5 {
                0 if next.attempt == 1 => Outcome::failed("no luck"),
                _ => Outcome::succeeded(None),
            };
            one = Some(done(&next, outcome.clone()));
            other = Some(done(&same, outcome));
        }
    }
    Ok(())
}

#[tokio::test]
async fn both_ways_are_one_on_postgresql() -> Result<()> {
    both_ways_are_one(System::Postgres).await
}

#[tokio::test]
async fn both_ways_are_one_on_sqlite() -> Result<()> {
    both_ways_are_one(System::Sqlite).await
}

/// An inventory beside some items, its first batch, and what breaks its statements.
async fn begun(database: &TestDatabase) -> Result<(Inventory, std::sync::Arc<Recording>, Batch)> {
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    inventory.migrate().await?;
    let table = Table::of_items(100);
    table.create(database.connection.as_ref()).await?;
    let (first, _) = batch(inventory.advance(None, &by_count(10), None, ITEMS).await?)?;
    Ok((inventory, recording, first))
}

/// Whether a statement took effect or not, what it was to do is done once.
async fn lost_answers(system: System) -> Result<()> {
    for fault in [Fault::AnswerLost, Fault::StatementLost] {
        for lost in 0..3 {
            let database = system.database().await?;
            let (inventory, recording, first) = begun(&database).await?;
            let mut faults = vec![None; lost];
            faults.push(Some(fault));
            recording.inject(&faults);
            let completion = succeeded(&first);
            let request = by_count(10);
            let mut advanced = inventory
                .advance(Some(&completion), &request, Some("own"), 5)
                .await;
            if advanced.is_err() {
                // Where an answer was lost for good, it is asked again.
                advanced = inventory
                    .advance(Some(&completion), &request, Some("own"), 5)
                    .await;
            }
            let (next, _) = batch(advanced?)?;
            // Where a turn has fewer statements, no fault is left over.
            recording.inject(&[]);
            assert_eq!((next.id_start, next.claim_token.as_str()), (11, "own"));
            let jobs = inventory.jobs(&Default::default()).await?;
            let job = jobs.first().context("a job")?;
            assert_eq!(
                (job.running, job.succeeded, job.failed),
                (1, 1, 0),
                "{fault:?} {lost}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn lost_answers_lose_nothing_on_postgresql() -> Result<()> {
    lost_answers(System::Postgres).await
}

#[tokio::test]
async fn lost_answers_lose_nothing_on_sqlite() -> Result<()> {
    lost_answers(System::Sqlite).await
}

/// An end that cannot be is told, and nothing is handed out.
async fn ends_that_cannot_be(system: System) -> Result<()> {
    let database = system.database().await?;
    let (inventory, _, first) = begun(&database).await?;
    let request = by_count(10);

    let not_json = done(&first, Outcome::succeeded(Some("{".into())));
    let refused = inventory
        .advance(Some(&not_json), &request, None, ITEMS)
        .await;
    assert_eq!(
        refused.map_err(|error| error.name()).err(),
        Some("invalid-request")
    );
    let job = async || -> Result<_> {
        let jobs = inventory.jobs(&Default::default()).await?;
        jobs.into_iter().next().context("a job")
    };
    assert_eq!(job().await?.running, 1);

    // A request that is refused keeps the batch from nothing.
    let unknown = AcquireRequest {
        filter: Some(r#"{"column": "nowhere", "op": "is-null"}"#.into()),
        ..AcquireRequest::new("files", "another")
    };
    let advanced = inventory
        .advance(Some(&succeeded(&first)), &unknown, None, ITEMS)
        .await?;
    assert_eq!(
        advanced.next.map_err(|error| error.name()).err(),
        Some("no-such-column")
    );
    assert_eq!(job().await?.succeeded, 1);

    // Behind a batch that was taken from its owner, or is not there, nothing is handed out.
    let (second, _) = batch(inventory.advance(None, &request, None, ITEMS).await?)?;
    let all = RequeueTarget::Batch(second.id);
    inventory.requeue("files", &request.job, &all).await?;
    let nobody = Completion {
        claim_token: "nobody".into(),
        outcome: Outcome::succeeded(None),
    };
    for (completion, expected) in [
        (succeeded(&second), "superseded"),
        (done(&second, Outcome::failed("late")), "superseded"),
        (nobody, "no-such-batch"),
    ] {
        let refused = inventory
            .advance(Some(&completion), &request, None, ITEMS)
            .await;
        assert_eq!(refused.map_err(|error| error.name()).err(), Some(expected));
        let job = job().await?;
        assert_eq!((job.running, job.waiting), (0, 1), "{expected}");
    }
    let Acquisition::Batch(again) = (inventory.advance(None, &request, None, ITEMS).await?)
        .next?
        .acquisition
    else {
        bail!("nothing was handed out");
    };
    assert_eq!((again.id_start, again.attempt), (11, 2));
    // One that has ended in this way already has ended.
    let next = batch(
        inventory
            .advance(Some(&succeeded(&first)), &request, None, 0)
            .await?,
    )?;
    assert_eq!(next.0.id_start, 21);
    Ok(())
}

#[tokio::test]
async fn ends_that_cannot_be_are_told_on_postgresql() -> Result<()> {
    ends_that_cannot_be(System::Postgres).await
}

#[tokio::test]
async fn ends_that_cannot_be_are_told_on_sqlite() -> Result<()> {
    ends_that_cannot_be(System::Sqlite).await
}

#[tokio::test]
async fn ends_that_cannot_be_are_told_on_mysql() -> Result<()> {
    ends_that_cannot_be(System::Mysql).await
}

/// A rival's claim is on its way when the statement begins: the batch has ended although the claim of the
/// same statement loses, and the next claim is behind the rival's.
#[tokio::test]
async fn an_end_stands_whose_claim_loses() -> Result<()> {
    let database = postgres().await?;
    let (inventory, _, first) = begun(&database).await?;
    let (mut client, connection) =
        tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let rival = client.transaction().await?;
    rival
        .batch_execute(
            "CREATE TEMPORARY TABLE rival AS SELECT * FROM inventory; \
             UPDATE rival SET id = 1000, batch_id_after = 10, batch_id_start = 11, batch_id_end = 15, \
             watermark = 10, claim_token = 'rival'; \
             INSERT INTO inventory SELECT * FROM rival",
        )
        .await?;
    let (own, completion) = (inventory.clone(), succeeded(&first));
    let advancing = tokio::spawn(async move {
        let request = by_count(10);
        own.advance(Some(&completion), &request, None, ITEMS).await
    });
    let waits = "SELECT count(*) FROM pg_locks AS locks JOIN pg_database AS databases \
                 ON databases.datname = current_database() WHERE NOT granted";
    while rival.query_one(waits, &[]).await?.get::<_, i64>(0) == 0 {
        ensure!(!advancing.is_finished(), "it did not wait for the rival");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rival.commit().await?;
    let (next, items) = batch(advancing.await??)?;
    assert_eq!((next.id_start, items.len()), (16, 10));
    let query = HistoryQuery {
        limit: 10,
        ..HistoryQuery::default()
    };
    let attempts = inventory.history(&query).await?;
    let of_first = attempts.iter().find(|attempt| attempt.id == first.id);
    assert_eq!(of_first.context("an attempt")?.status, "succeeded");
    Ok(())
}

/// The items that come with a batch end by their bytes, as pages do.
async fn long_items(system: System) -> Result<()> {
    let database = system.database().await?;
    let inventory = Inventory::builder()
        .inventory(database.connection.clone())
        .build()?;
    inventory.migrate().await?;
    let rows = (1..=12).map(|uid| vec![json!(uid), json!("x".repeat(200_000)), json!(1)]);
    Table::files(rows.collect())
        .create(database.connection.as_ref())
        .await?;
    let (first, _) = batch(inventory.advance(None, &by_count(1), None, ITEMS).await?)?;
    let (completion, request) = (succeeded(&first), by_count(11));
    let advanced = inventory.advance(Some(&completion), &request, None, ITEMS);
    let (next, items) = batch(advanced.await?)?;
    assert_eq!((next.count, items.len()), (11, 5));
    let after = items.last().map(|item| item.uid);
    let rest = inventory.items(&next.claim_token, after, ITEMS).await?;
    assert_eq!(rest.len(), 6);
    Ok(())
}

#[tokio::test]
async fn long_items_end_by_their_bytes_on_postgresql() -> Result<()> {
    long_items(System::Postgres).await
}

#[tokio::test]
async fn long_items_end_by_their_bytes_on_sqlite() -> Result<()> {
    long_items(System::Sqlite).await
}
