//! How many statements a call sends: what a user pays per round trip.

use anyhow::{Result, bail};
use batchintory::{AcquireRequest, Outcome};
use batchintory_tests::recording::{Fault, Recording};
use batchintory_tests::tables::{Series, Table};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Batch, Inventory};

async fn acquire(inventory: &Inventory, request: &AcquireRequest) -> Result<Batch> {
    match inventory.acquire(request).await? {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

async fn count_statements(database: TestDatabase, most: usize) -> Result<()> {
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    inventory.migrate().await?;
    let table = Table {
        series: Some(Series {
            from: 1,
            to: 5_000,
            weight: 1.0,
        }),
        ..Table::files(Vec::new())
    };
    table.create(database.connection.as_ref()).await?;
    let by_weight = AcquireRequest {
        max_weight: Some(100.0),
        ..AcquireRequest::new("files", "by weight")
    };
    let by_count = AcquireRequest {
        max_count: Some(100),
        ..AcquireRequest::new("files", "by count")
    };
    for request in [by_weight, by_count] {
        // The first batch knows nothing of the weights, the later ones do.
        for _ in 0..5 {
            recording.take();
            let batch = acquire(&inventory, &request).await?;
            assert_eq!(batch.count, 100);
            let statements = recording.take();
            assert!(statements.len() <= most, "acquire sent {statements:#?}");

            inventory
                .complete(&batch.claim_token, &Outcome::succeeded(None))
                .await?;
            let statements = recording.take();
            assert_eq!(statements.len(), 1, "complete sent {statements:#?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn acquire_sends_three_statements_and_complete_one_on_sqlite() -> Result<()> {
    count_statements(sqlite().await?, 3).await
}

#[tokio::test]
async fn acquire_sends_three_statements_and_complete_one_on_postgresql() -> Result<()> {
    count_statements(postgres().await?, 3).await
}

/// Its INSERT gives nothing back, so what was claimed is read.
#[tokio::test]
async fn acquire_sends_four_statements_and_complete_one_on_mysql() -> Result<()> {
    count_statements(mysql().await?, 4).await
}

/// Whoever loses a race pauses before it tries again, if the database has a statement for that.
async fn lose_races(database: TestDatabase, pauses_each: usize, last_round: usize) -> Result<()> {
    const LOSSES: usize = 3;
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    inventory.migrate().await?;
    let table = Table {
        series: Some(Series {
            from: 1,
            to: 100,
            weight: 1.0,
        }),
        ..Table::files(Vec::new())
    };
    table.create(database.connection.as_ref()).await?;
    let request = AcquireRequest {
        max_count: Some(100),
        ..AcquireRequest::new("files", "job")
    };
    recording.take();
    // The claim is the third statement of each round.
    let mut round = vec![None, None, Some(Fault::RaceLost)];
    round.resize(round.len() + pauses_each, None);
    recording.inject(&round.repeat(LOSSES));
    assert_eq!(acquire(&inventory, &request).await?.count, 100);
    let statements = recording.take();
    let pauses = statements
        .iter()
        .filter(|text| text.to_lowercase().contains("sleep"));
    assert_eq!(pauses.count(), LOSSES * pauses_each, "{statements:#?}");
    assert_eq!(statements.len(), LOSSES * (3 + pauses_each) + last_round);
    Ok(())
}

#[tokio::test]
async fn a_loser_tries_again_at_once_on_sqlite_whose_writers_wait_for_each_other() -> Result<()> {
    lose_races(sqlite().await?, 0, 3).await
}

#[tokio::test]
async fn a_loser_pauses_on_postgresql() -> Result<()> {
    lose_races(postgres().await?, 1, 3).await
}

#[tokio::test]
async fn a_loser_pauses_on_mysql() -> Result<()> {
    // Whose INSERT gives nothing back, so that the claim is read.
    lose_races(mysql().await?, 1, 4).await
}

/// Workers of one process do not race each other: what sixteen of them claim at once takes no more
/// statements than if they had come one after the other.
async fn claim_at_once(database: TestDatabase) -> Result<()> {
    const WORKERS: usize = 16;
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    inventory.migrate().await?;
    let table = Table {
        series: Some(Series {
            from: 1,
            to: 2_000,
            weight: 1.0,
        }),
        ..Table::files(Vec::new())
    };
    table.create(database.connection.as_ref()).await?;
    let request = AcquireRequest {
        max_count: Some(100),
        ..AcquireRequest::new("files", "job")
    };
    recording.take();
    let claims = (0..WORKERS).map(|_| acquire(&inventory, &request));
    let mut starts = Vec::new();
    for batch in futures::future::try_join_all(claims).await? {
        starts.push(batch.id_start);
    }
    assert!(starts.is_sorted(), "first come, first served: {starts:?}");
    let statements = recording.take();
    assert_eq!(statements.len(), WORKERS * 3, "{statements:#?}");
    Ok(())
}

#[tokio::test]
async fn workers_of_one_process_queue_up_on_sqlite() -> Result<()> {
    claim_at_once(sqlite().await?).await
}

#[tokio::test]
async fn workers_of_one_process_queue_up_on_postgresql() -> Result<()> {
    claim_at_once(postgres().await?).await
}
