//! Workers that loop: each batch that has succeeded is ended by the call that claims the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use batchintory::{AcquireRequest, HistoryQuery, JobSummary, Outcome, RequeueTarget};
use batchintory_tests::recording::{Fault, Recording};
use batchintory_tests::suite::System;
use batchintory_tests::tables::Table;
use batchintory_tests::{TestDatabase, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Following, Inventory, Item, PlannerError};

const ITEMS: i64 = 1_000;

/// What an inventory sends, to one database or to two.
struct Sent {
    inventory: Inventory,
    connections: Vec<Arc<Recording>>,
}

impl Sent {
    async fn to(database: &TestDatabase, apart: bool) -> Result<Self> {
        let one = Recording::new(database.connection.clone());
        let mut connections = vec![one.clone()];
        let mut builder = Inventory::builder().inventory(one);
        if apart {
            let other = Recording::new(database.connection.clone());
            connections.push(other.clone());
            builder = builder.meta(other);
        }
        let inventory = builder.build()?;
        inventory.migrate().await?;
        let table = Table::of_items(ITEMS);
        table.create(database.connection.as_ref()).await?;
        Ok(Self {
            inventory,
            connections,
        })
    }

    fn take(&self) -> Vec<String> {
        let taken = self.connections.iter().map(|connection| connection.take());
        taken.flatten().collect()
    }

    async fn job(&self, name: &str) -> Result<JobSummary> {
        let jobs = self.inventory.jobs(&Default::default()).await?;
        let job = jobs.into_iter().find(|job| job.job == name);
        job.context("there is no such job")
    }
}

fn request() -> AcquireRequest {
    AcquireRequest {
        max_count: Some(100),
        ..AcquireRequest::new("files", "a loop")
    }
}

/// Batches of a hundred items, until nothing is left.
async fn count_statements(database: TestDatabase, apart: bool, each: usize) -> Result<()> {
    let sent = &Sent::to(&database, apart).await?;
    let turns = AtomicUsize::new(0);
    let request = &request();
    let processed = sent.inventory.process(request, async |items: Vec<Item>| {
        let statements = sent.take();
        // What the first claim of a job asks is asked once.
        if turns.fetch_add(1, Ordering::Relaxed) > 0 {
            ensure!(statements.len() == each, "{statements:#?}");
        }
        ensure!(items.len() == 100, "{}", items.len());
        Ok(())
    });
    let processed = processed.await?;
    assert_eq!((processed.succeeded, processed.failed), (10, 0));
    assert_eq!(turns.into_inner(), 10);

    let followed = AcquireRequest {
        job: "followed".into(),
        ..request.clone()
    };
    let mut follow = sent.inventory.follow(&followed);
    let mut batch = follow.next().await?;
    for _ in 1..10 {
        assert_eq!(batch.items().await?.len(), 100);
        sent.take();
        batch = follow.next_after(&batch, Outcome::succeeded(None)).await?;
        let statements = sent.take();
        ensure!(statements.len() == each, "{statements:#?}");
    }
    // It ends before it is waited for the next.
    let ended = async {
        while sent.job("followed").await?.running > 0 {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = ended => ended,
        more = follow.next_after(&batch, Outcome::succeeded(None)) => Err(anyhow!("{more:?}")),
    }
}

#[tokio::test]
async fn a_turn_of_a_loop_is_one_statement_on_postgresql() -> Result<()> {
    count_statements(postgres().await?, false, 1).await
}

#[tokio::test]
async fn a_turn_of_a_loop_is_three_statements_on_sqlite() -> Result<()> {
    count_statements(sqlite().await?, false, 3).await
}

#[tokio::test]
async fn a_turn_of_a_loop_is_five_statements_on_two_databases() -> Result<()> {
    count_statements(postgres().await?, true, 5).await
}

/// Whatever a statement of the turn meets, each batch ends once, and each item comes once.
async fn faults_lose_nothing(system: System) -> Result<()> {
    for fault in [Fault::AnswerLost, Fault::StatementLost, Fault::Unreachable] {
        for faults in 1..4 {
            let database = system.database().await?;
            let sent = &Sent::to(&database, false).await?;
            let connection = sent.connections.first().context("a connection")?;
            let seen = AtomicUsize::new(0);
            let leased = AcquireRequest {
                lease_seconds: Some(600),
                ..request()
            };
            let processed = sent.inventory.process(&leased, async |items: Vec<Item>| {
                let before = seen.fetch_add(items.len(), Ordering::Relaxed);
                if before == 300 {
                    connection.inject(&vec![Some(fault); faults]);
                }
                anyhow::Ok(())
            });
            // The databases were reached before, so they are waited for.
            processed.await?;
            let job = sent.job("a loop").await?;
            let what = format!("{fault:?} {faults}: {job:?}");
            assert_eq!(
                (job.failed, job.waiting, job.exhausted),
                (0, 0, 0),
                "{what}"
            );
            // A claim that nobody was told of stands until its lease is over.
            assert!(job.running <= 1, "{what}");
            let lost = usize::try_from(job.running)? * 100;
            assert_eq!(seen.into_inner() + lost, 1_000, "{what}");
            assert_eq!(job.succeeded + job.running, 10, "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn faults_in_a_loop_lose_nothing_on_postgresql() -> Result<()> {
    faults_lose_nothing(System::Postgres).await
}

#[tokio::test]
async fn faults_in_a_loop_lose_nothing_on_sqlite() -> Result<()> {
    faults_lose_nothing(System::Sqlite).await
}

/// Behind a batch that was taken away nothing is handed out that nobody would be told of.
async fn a_loss_is_told(system: System) -> Result<()> {
    let database = system.database().await?;
    let sent = &Sent::to(&database, false).await?;
    let inventory = &sent.inventory;
    let request = request();
    let lost = inventory.process(&request, async |items: Vec<Item>| {
        if items.first().is_some_and(|item| item.uid == 201) {
            let history = inventory.history(&HistoryQuery::default()).await?;
            let latest = history.first().context("an attempt")?;
            let target = RequeueTarget::Batch(latest.id);
            inventory.requeue("files", "a loop", &target).await?;
        }
        anyhow::Ok(())
    });
    let error = lost.await.err().context("it was not told")?;
    ensure!(error.is_loss(), "{error}");
    let job = sent.job("a loop").await?;
    assert_eq!((job.succeeded, job.running, job.waiting), (2, 0, 1));
    Ok(())
}

#[tokio::test]
async fn a_loss_in_a_loop_is_told_on_postgresql() -> Result<()> {
    a_loss_is_told(System::Postgres).await
}

#[tokio::test]
async fn a_loss_in_a_loop_is_told_on_sqlite() -> Result<()> {
    a_loss_is_told(System::Sqlite).await
}

/// A batch that fails is ended by itself, before its range is handed out again; a result that cannot be kept fails
/// its batch.
#[tokio::test]
async fn ends_that_fail_come_by_themselves() -> Result<()> {
    let database = postgres().await?;
    let (sent, request) = (Sent::to(&database, false).await?, request());
    let Acquired::Batch(first) = sent.inventory.acquire(&request).await? else {
        anyhow::bail!("there is no batch");
    };
    let told = |_: &batchintory_wasmtime::Error, _| {};
    let following = first
        .end_and_acquire(&Outcome::failed("no luck"), &request, told)
        .await?;
    ensure!(matches!(following, Following::NotAsked), "{following:?}");
    let Acquired::Batch(again) = following.or_acquire(&sent.inventory, &request).await? else {
        anyhow::bail!("there is no batch");
    };
    assert_eq!((again.id_start, again.attempt), (1, 2));
    let no_json = Outcome::succeeded(Some("{".into()));
    let refused = again.end_and_acquire(&no_json, &request, told).await;
    let error = refused.err().context("it was taken")?;
    ensure!(
        matches!(
            error,
            batchintory_wasmtime::Error::Planner(PlannerError::InvalidRequest(_))
        ),
        "{error}"
    );
    let refused = sent.inventory.process(&request, async |_: Vec<Item>| {
        let too_deep = ["[".repeat(65), "]".repeat(65)].concat();
        anyhow::Ok(serde_json::from_str::<serde_json::Value>(&too_deep)?)
    });
    let error = refused.await.err().context("it was taken")?;
    assert_eq!(error.name(), "invalid-request");
    let job = sent.job("a loop").await?;
    // The first of them, which still runs, and the one whose result was refused.
    assert_eq!((job.running, job.waiting), (1, 1));
    Ok(())
}
