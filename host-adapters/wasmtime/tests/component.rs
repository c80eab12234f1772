//! The component as it is embedded: what it imports, what it may use, and what is no component.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use batchintory_wasmtime::{
    Access, AcquireRequest, Acquired, Database, Error, Inventory, JobsQuery, Limits,
    PlannerComponent, Queue, connect,
};
use wasmtime::Engine;
use wasmtime::component::Component;

/// An inventory and a table of a few thousand items.
async fn database() -> Arc<dyn Database> {
    let database = connect("sqlite::memory:", Access::Create).await.unwrap();
    for statement in [
        "CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)",
        "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 10000) \
         INSERT INTO files SELECT id, hex(zeroblob(500)), 1 FROM ids",
    ] {
        database.query(statement, &[]).await.unwrap();
    }
    let inventory = Inventory::builder()
        .inventory(database.clone())
        .build()
        .unwrap();
    inventory.migrate().await.unwrap();
    database
}

fn request() -> AcquireRequest {
    AcquireRequest::new("files", "job")
}

#[test]
fn it_imports_the_database_and_randomness_and_nothing_else() {
    let engine = Engine::default();
    let component = Component::from_binary(&engine, PlannerComponent::EMBEDDED).unwrap();
    let component_type = component.component_type();
    let imports: Vec<&str> = component_type
        .imports(&engine)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        imports,
        [
            "wasi:random/random@0.2.12",
            "batchintory:inventory/database@0.1.0"
        ]
    );
    let exports: Vec<&str> = component_type
        .exports(&engine)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(exports, ["batchintory:inventory/inventory@0.1.0"]);
}

#[test]
fn it_is_small() {
    assert!(PlannerComponent::EMBEDDED.len() <= 480 * 1024);
}

#[test]
fn what_is_no_planner_component_is_told() {
    let empty_component = b"\0asm\x0d\0\x01\0";
    for bytes in [
        &b"not WebAssembly"[..],
        b"",
        b"\0asm\x01\0\0\0",
        empty_component,
    ] {
        let error = PlannerComponent::from_bytes(bytes).unwrap_err();
        assert_eq!(error.name(), "component", "{error}");
        assert!(
            error.to_string().contains("no planner component"),
            "{error}"
        );
    }
    let error = PlannerComponent::from_file("/no/such/file").unwrap_err();
    assert!(error.to_string().contains("/no/such/file"), "{error}");
}

#[tokio::test]
async fn a_call_that_works_too_long_is_ended() {
    let database = database().await;
    let limits = Limits {
        compute_time: Duration::ZERO,
        ..Limits::default()
    };
    let inventory = Inventory::builder()
        .inventory(database.clone())
        .limits(limits)
        .build()
        .unwrap();
    let error = inventory.acquire(&request()).await.unwrap_err();
    assert_eq!(error.name(), "limit-reached");
    assert!(error.to_string().contains("0ns of computing"), "{error}");

    // The limit is one call's: an instance does not tire.
    let inventory = Inventory::builder().inventory(database).build().unwrap();
    for _ in 0..3 {
        inventory.jobs(&JobsQuery::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_needs_too_much_memory_is_ended() {
    let database = database().await;
    let grow = "UPDATE files SET item = hex(zeroblob(5000000)) WHERE uid = 1";
    database.query(grow, &[]).await.unwrap();
    let limits = Limits {
        memory_bytes: 4 * 1024 * 1024,
        ..Limits::default()
    };
    let inventory = Inventory::builder()
        .inventory(database)
        .limits(limits)
        .build()
        .unwrap();
    let Acquired::Batch(batch) = inventory.acquire(&request()).await.unwrap() else {
        panic!("no batch");
    };
    // An item of ten megabytes.
    let error = batch.items_after(None, 10_000).await.unwrap_err();
    assert_eq!(error.name(), "limit-reached");
    assert!(
        error.to_string().contains("4194304 bytes of memory"),
        "{error}"
    );
    // The broken instance is thrown away; other items still come.
    assert_eq!(batch.items_after(Some(1), 100).await.unwrap().len(), 100);
    assert!(inventory.peak_memory_bytes() <= 4 * 1024 * 1024);
    batch.succeed().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_inventory_serves_many_tasks() {
    let inventory = Inventory::builder()
        .inventory(database().await)
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let inventory = inventory.clone();
            tokio::spawn(async move {
                let request = AcquireRequest {
                    max_count: Some(50),
                    ..request()
                };
                let mut items = 0;
                while let Acquired::Batch(batch) = inventory.acquire(&request).await? {
                    items += batch.count;
                    batch.succeed().await?;
                }
                Ok::<u64, Error>(items)
            })
        })
        .collect();
    let mut items = 0;
    for task in tasks {
        items += task.await.unwrap().unwrap();
    }
    assert_eq!(items, 10_000);
    let jobs = inventory.jobs(&JobsQuery::default()).await.unwrap();
    assert_eq!((jobs[0].succeeded, jobs[0].running), (200, 0));
}

#[tokio::test]
async fn a_range_whose_rows_are_gone_succeeds_without_its_work() {
    let database = database().await;
    let inventory = Inventory::builder()
        .inventory(database.clone())
        .build()
        .unwrap();
    let Acquired::Batch(batch) = inventory.acquire(&request()).await.unwrap() else {
        panic!("no batch");
    };
    batch.fail("a try").await.unwrap();
    database.query("DELETE FROM files", &[]).await.unwrap();
    let processed = inventory
        .process(&request(), async |_| Err::<(), _>("there is nothing to do"))
        .await
        .unwrap();
    assert_eq!((processed.succeeded, processed.failed), (1, 0));
    let history = inventory.history(&Default::default()).await.unwrap();
    assert_eq!(
        (history[0].status.as_str(), history[0].count),
        ("succeeded", 0)
    );
    assert!(history[0].log.as_deref().unwrap().contains("no items"));
}

#[tokio::test]
async fn a_result_that_is_not_taken_leaves_the_batch_to_its_owner() {
    let inventory = Inventory::builder()
        .inventory(database().await)
        .build()
        .unwrap();
    let request = AcquireRequest {
        max_count: Some(1),
        max_attempts: 1,
        ..request()
    };
    let too_long = "x".repeat(1024 * 1024);
    let Acquired::Batch(batch) = inventory.acquire(&request).await.unwrap() else {
        panic!("no batch");
    };
    let error = batch.succeed_with(&too_long).await.unwrap_err();
    assert_eq!(error.name(), "invalid-request");
    batch.succeed_with(&"short").await.unwrap();
    let Acquired::Batch(batch) = inventory.acquire(&request).await.unwrap() else {
        panic!("no batch");
    };
    let processed = batch.process(async |_| Ok::<_, &str>(too_long)).await;
    assert_eq!(processed.unwrap_err().name(), "invalid-request");
    let history = inventory.history(&Default::default()).await.unwrap();
    assert_eq!(history[0].queue, Some(Queue::Exhausted));
    assert_eq!(history[1].result_item.as_deref(), Some("\"short\""));
}

#[tokio::test]
async fn a_batch_ends_by_the_result_of_its_work() {
    let inventory = Inventory::builder()
        .inventory(database().await)
        .build()
        .unwrap();
    let request = AcquireRequest {
        max_count: Some(5_000),
        ..request()
    };
    let processed = inventory
        .process(&request, async |items| {
            match items.first().map(|item| item.uid) {
                Some(1) => Ok(items.len()),
                _ => Err("no more"),
            }
        })
        .await
        .unwrap();
    // What fails is tried three times.
    assert_eq!((processed.succeeded, processed.failed), (1, 3));
    let history = inventory.history(&Default::default()).await.unwrap();
    assert_eq!(history[0].queue, Some(Queue::Exhausted));
    assert_eq!(history[0].log.as_deref(), Some("no more"));
    assert_eq!(history[3].result_item.as_deref(), Some("5000"));
}
