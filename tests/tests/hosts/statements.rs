//! How many statements a call sends: what a user pays per round trip.

use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use batchintory::{
    AcquireRequest, DatabaseError, Dialect, Error, Outcome, Planner, Rows, Settings, Source,
    StatusLabels, Value,
};
use batchintory_tests::recording::Recording;
use batchintory_tests::tables::Table;
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Batch, Inventory, SystemRandom};

async fn acquire(inventory: &Inventory, request: &AcquireRequest) -> Result<Batch> {
    match inventory.acquire(request).await? {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

/// An inventory beside so many items, and what it sends.
async fn recorded(database: &TestDatabase, items: i64) -> Result<(Inventory, Arc<Recording>)> {
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    inventory.migrate().await?;
    let table = Table::of_items(items);
    table.create(database.connection.as_ref()).await?;
    Ok((inventory, recording))
}

/// So many for a job's first claim, and for each of the others; items come with it.
async fn count_statements(database: TestDatabase, [first, others]: [usize; 2]) -> Result<()> {
    let (inventory, recording) = recorded(&database, 5_000).await?;
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
        for claims in 0..5 {
            // The job's first claim asks what identifies the meta table's database.
            let expected = if claims == 0 { first } else { others };
            recording.take();
            let batch = acquire(&inventory, &request).await?;
            assert_eq!(batch.count, 100);
            assert_eq!(batch.items().await?.len(), 100);
            let statements = recording.take();
            assert_eq!(statements.len(), expected, "acquire sent {statements:#?}");

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
async fn a_batch_with_its_items_is_two_statements_and_its_end_one_on_sqlite() -> Result<()> {
    count_statements(sqlite().await?, [6, 2]).await
}

#[tokio::test]
async fn a_batch_with_its_items_is_one_statement_and_its_end_one_on_postgresql() -> Result<()> {
    count_statements(postgres().await?, [5, 1]).await
}

/// Its INSERT gives nothing back, so what was claimed is read. Where a page of items ends, it is asked by
/// itself.
#[tokio::test]
async fn a_batch_with_its_items_is_six_statements_and_its_end_one_on_mysql() -> Result<()> {
    count_statements(mysql().await?, [7, 6]).await
}

/// A job with conditions reads the types of their columns before it plans, and keeps them for its items.
async fn count_statements_with_conditions(
    database: TestDatabase,
    [first, others]: [usize; 2],
) -> Result<()> {
    let (inventory, recording) = recorded(&database, 5_000).await?;
    let request = AcquireRequest {
        max_count: Some(100),
        filter: Some(r#"{"column": "weight", "op": ">=", "value": 1}"#.into()),
        hold: Some(r#"{"column": "item", "op": "=", "value": "held"}"#.into()),
        ..AcquireRequest::new("files", "with conditions")
    };
    for claims in 0..3 {
        recording.take();
        let batch = acquire(&inventory, &request).await?;
        assert_eq!(batch.items().await?.len(), 100);
        let statements = recording.take();
        let expected = if claims == 0 { first } else { others };
        assert_eq!(statements.len(), expected, "acquire sent {statements:#?}");
    }
    Ok(())
}

/// The types are asked by the statement that does all at once, and by the steps that follow a job's first one.
#[tokio::test]
async fn a_batch_with_conditions_is_one_more_on_sqlite() -> Result<()> {
    count_statements_with_conditions(sqlite().await?, [8, 3]).await
}

#[tokio::test]
async fn a_batch_with_conditions_is_one_more_on_postgresql() -> Result<()> {
    count_statements_with_conditions(postgres().await?, [7, 2]).await
}

#[tokio::test]
async fn a_batch_with_conditions_is_one_more_on_mysql() -> Result<()> {
    count_statements_with_conditions(mysql().await?, [8, 7]).await
}

/// A database on which every race is lost, and that remembers its pauses, in milliseconds.
#[derive(Default)]
struct AlwaysLost {
    pauses: Mutex<Vec<u32>>,
}

impl batchintory::Database for &AlwaysLost {
    fn settings(&self) -> Settings {
        Settings {
            inventory_dialect: Dialect::Postgresql,
            meta_dialect: Dialect::Postgresql,
            inventory_table: "inventory".into(),
            meta_schema: None,
            meta_name: None,
            one_database: false,
            may_repeat: true,
            status_labels: StatusLabels::default(),
        }
    }

    async fn pause(&self, milliseconds: u32) {
        if let Ok(mut pauses) = self.pauses.lock() {
            pauses.push(milliseconds);
        }
    }

    async fn query(
        &self,
        on: Source,
        statement: &str,
        _: &[Value],
    ) -> std::result::Result<Rows, DatabaseError> {
        // A page with one row; on a primary, no attempt before, and none inserted, since somebody was faster.
        let page = || {
            let counts = [1; 6].map(Value::Int64);
            let weight = || Value::Float64(1.0);
            let mut row = vec![Value::Text("bigint".into()), Value::Null];
            row.extend([Value::Null, Value::Null]);
            row.extend(counts);
            row.extend([weight(), Value::Int64(1), Value::Int64(1), weight()]);
            row
        };
        Ok(Rows {
            rows: match on {
                Source::Meta => vec![page()],
                Source::Inventory if statement.contains(r#""batch_id_after" = "#) => {
                    vec![vec![Value::Int64(0), Value::Int64(7)]]
                }
                Source::Inventory if statement.contains("pg_is_in_recovery") => {
                    vec![vec![Value::Int64(0), Value::Null]]
                }
                Source::Inventory => Vec::new(),
            },
            affected: 0,
        })
    }
}

#[tokio::test]
async fn losers_pause_by_chance_and_longer_each_time() {
    let database = AlwaysLost::default();
    let planner = Planner::new(&database, SystemRandom);
    let request = AcquireRequest::new("files", "job");
    let error = planner.acquire(&request, None).await.expect_err("lost");
    assert!(matches!(error, Error::ExhaustedRetries(_)), "{error}");
    let pauses = database.pauses.lock().expect("one thread").clone();
    assert_eq!(pauses.len(), 199);
    for (index, longest) in [20, 40, 80, 160, 320].into_iter().enumerate() {
        assert!(pauses[index] <= longest, "{pauses:?}");
    }
    assert!(pauses.iter().all(|pause| *pause <= 400), "{pauses:?}");
    // By chance, about half of the rest are longer than half of the longest.
    let long = pauses.iter().filter(|pause| **pause > 200).count();
    assert!((50..150).contains(&long), "{pauses:?}");
}

/// Workers of one process do not race each other: what sixteen of them claim at once takes no more
/// statements than if they had come one after the other.
async fn claim_at_once(database: TestDatabase, [first, others]: [usize; 2]) -> Result<()> {
    const WORKERS: usize = 16;
    let (inventory, recording) = recorded(&database, 2_000).await?;
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
    let expected = first + (WORKERS - 1) * others;
    assert_eq!(statements.len(), expected, "{statements:#?}");
    Ok(())
}

#[tokio::test]
async fn workers_of_one_process_queue_up_on_sqlite() -> Result<()> {
    claim_at_once(sqlite().await?, [6, 2]).await
}

#[tokio::test]
async fn workers_of_one_process_queue_up_on_postgresql() -> Result<()> {
    claim_at_once(postgres().await?, [5, 1]).await
}
