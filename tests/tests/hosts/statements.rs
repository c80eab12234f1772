//! How many statements a call sends: what a user pays per round trip.

use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use batchintory::{
    AcquireRequest, Acquisition, Completion, DatabaseError, Dialect, Error, Operations as _,
    Outcome, Planner, Rows, Settings, Source, StatusLabels, Value,
};
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_tests::recording::{Fault, Recording};
use batchintory_tests::tables::Table;
use batchintory_tests::{HttpSubject, TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Acquired, Batch, Inventory, SystemRandom};
use tokio::net::TcpListener;

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

/// Where a page of items ends, it is asked by itself. MySQL needs one more: its INSERT gives nothing back.
#[tokio::test]
async fn a_batch_with_its_items_is_five_statements_and_its_end_one_on_mariadb() -> Result<()> {
    count_statements(mysql().await?, [6, 5]).await
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

/// The types are asked once, also where the steps follow the statement that does all at once.
#[tokio::test]
async fn a_batch_with_conditions_is_one_more_on_sqlite() -> Result<()> {
    count_statements_with_conditions(sqlite().await?, [7, 3]).await
}

#[tokio::test]
async fn a_batch_with_conditions_is_one_more_on_postgresql() -> Result<()> {
    count_statements_with_conditions(postgres().await?, [6, 2]).await
}

#[tokio::test]
async fn a_batch_with_conditions_is_one_more_on_mariadb() -> Result<()> {
    count_statements_with_conditions(mysql().await?, [7, 6]).await
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
async fn losers_pause_by_chance_and_longer_until_most_others_came_later() {
    let database = AlwaysLost::default();
    let planner = Planner::new(&database, SystemRandom);
    let request = AcquireRequest::new("files", "job");
    let error = planner.acquire(request, None).await.expect_err("lost");
    assert!(matches!(error, Error::ExhaustedRetries(_)), "{error}");
    let pauses = database.pauses.lock().expect("one thread").clone();
    assert_eq!(pauses.len(), 199);
    for (index, longest) in [20, 40, 80, 160, 320].into_iter().enumerate() {
        assert!(pauses[index] <= longest, "{pauses:?}");
    }
    assert!(pauses[5..].iter().all(|pause| *pause <= 160), "{pauses:?}");
    // By chance, about half of the rest are longer than half of the longest.
    let long = pauses[5..].iter().filter(|pause| **pause > 80).count();
    assert!((50..150).contains(&long), "{pauses:?}");
}

/// The same request so many times, with the meta table in one spelling and another.
fn spelled_in_turn(request: &AcquireRequest, times: usize) -> Vec<AcquireRequest> {
    let spelled = |meta_table: &str| AcquireRequest {
        meta_table: meta_table.into(),
        ..request.clone()
    };
    let both = [spelled("files"), spelled("\"files\"")];
    both.into_iter().cycle().take(times).collect()
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
    // However the table is spelled, it is one queue.
    let requests = spelled_in_turn(&request, WORKERS);
    let claims = requests.iter().map(|request| acquire(&inventory, request));
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

/// Neither do those that come to one service.
async fn claim_at_once_by_http(database: TestDatabase) -> Result<()> {
    const WORKERS: usize = 16;
    const TOKEN: &str = "a-token-of-the-tests";
    let (inventory, recording) = recorded(&database, 2_000).await?;
    let settings = ServiceSettings {
        api_token: Some(TOKEN.into()),
        ..ServiceSettings::default()
    };
    let service = HttpService::embedded(inventory.databases(), settings)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(service.serve(listener, std::future::pending()));
    let request = AcquireRequest {
        max_count: Some(100),
        ..AcquireRequest::new("files", "job")
    };
    let claim = async |request| {
        let service = HttpSubject::new(&url, TOKEN);
        match service.acquire(request, None).await? {
            Acquisition::Batch(_) => Ok(()),
            Acquisition::Nothing(nothing) => bail!("{nothing:?}"),
        }
    };
    // The job's first claim takes more than the others.
    claim(request.clone()).await?;
    recording.take();
    claim(request.clone()).await?;
    let each = recording.take().len();
    let requests = spelled_in_turn(&request, WORKERS);
    futures::future::try_join_all(requests.into_iter().map(claim)).await?;
    let statements = recording.take();
    assert_eq!(statements.len(), WORKERS * each, "{statements:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_one_service_queue_up() -> Result<()> {
    claim_at_once_by_http(postgres().await?).await
}

/// A claim that is given up in the middle of a statement keeps nobody waiting.
#[tokio::test]
async fn a_turn_is_over_when_its_claim_is_given_up() -> Result<()> {
    let (inventory, recording) = recorded(&sqlite().await?, 10).await?;
    let request = AcquireRequest {
        max_count: Some(1),
        ..AcquireRequest::new("files", "job")
    };
    recording.inject(&[Some(Fault::Hangs)]);
    let next = async {
        recording.hangs().await;
        acquire(&inventory, &request).await
    };
    // The second is under way, and waits, when the first is dropped.
    let mut next = Box::pin(next);
    let is_waiting = tokio::select! {
        biased;
        _ = acquire(&inventory, &request) => false,
        _ = &mut next => false,
        () = recording.hangs() => true,
    };
    anyhow::ensure!(is_waiting, "the first has its turn");
    assert_eq!(next.await?.id_start, 1);
    Ok(())
}

/// A database that remembers which turns were asked for, and after how many statements.
#[derive(Default)]
struct Turns {
    sent: Mutex<usize>,
    asked: Mutex<Vec<(String, usize)>>,
}

impl batchintory::Database for &Turns {
    fn settings(&self) -> Settings {
        (&AlwaysLost::default()).settings()
    }

    async fn pause(&self, _: u32) {}

    async fn claim_turn(&self, scope: &str) {
        if let (Ok(sent), Ok(mut asked)) = (self.sent.lock(), self.asked.lock()) {
            asked.push((scope.to_owned(), *sent));
        }
    }

    async fn query(
        &self,
        _: Source,
        _: &str,
        _: &[Value],
    ) -> std::result::Result<Rows, DatabaseError> {
        if let Ok(mut sent) = self.sent.lock() {
            *sent += 1;
        }
        Err(DatabaseError::Unavailable("away".into()))
    }
}

#[tokio::test]
async fn a_claim_asks_for_its_turn_once_before_its_first_statement() -> Result<()> {
    let database = Turns::default();
    let planner = Planner::new(&database, SystemRandom);
    let asked = || std::mem::take(&mut *database.asked.lock().expect("one thread"));
    let request = |meta_table: &str, job: &str| AcquireRequest {
        max_count: Some(1),
        ..AcquireRequest::new(meta_table, job)
    };
    let scope = async |meta_table, job| {
        *database.sent.lock().expect("one thread") = 0;
        let request = request(meta_table, job);
        assert!(planner.acquire(request, None).await.is_err());
        match asked().as_slice() {
            [(scope, 0)] => scope.clone(),
            other => panic!("{other:?}"),
        }
    };
    let files = scope("files", "job").await;
    assert_eq!(scope("public.files", "job").await, files);
    assert_eq!(scope("\"files\"", "job").await, files);
    assert_ne!(scope("other.files", "job").await, files);
    assert_ne!(scope("files", "other job").await, files);
    // So do the others that claim, whether they end a batch before or not, and nobody else.
    let files = || request("files", "job");
    let token = || "token".to_owned();
    assert!(planner.acquire_many(files(), 2, None).await.is_err());
    assert_eq!(asked().len(), 1);
    let outcome = Outcome::succeeded(None);
    let done = Completion {
        claim_token: token(),
        outcome: outcome.clone(),
    };
    for done in [None, Some(done)] {
        let _ = planner.advance(done, files(), None, 1).await;
        assert!(asked().len() <= 1);
    }
    assert!(planner.plan(files(), None, 1).await.is_err());
    assert!(planner.items(token(), None, 1).await.is_err());
    assert!(planner.complete(token(), outcome).await.is_err());
    assert!(planner.heartbeat(token(), 1).await.is_err());
    assert!(asked().is_empty());
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
