//! How many statements a run sends for each of its batches.

use std::sync::Arc;

use batchintory_tests::recording::Recording;
use batchintory_tests::tables::Table;
use batchintory_tests::{TestDatabase, postgres, sqlite};
use batchintory_wasmtime::{AcquireRequest, Inventory};
use indicatif::ProgressBar;

use super::{Run, Until};
use crate::command_output::Screen;
use crate::item_format::ItemFormat;
use crate::process::Work;
use crate::starter::Starter;

/// Runs a command on so many batches of a job, and tells how many statements that took.
async fn statements(inventory: &Inventory, sent: &[Arc<Recording>], batches: u32) -> usize {
    let request = AcquireRequest {
        max_count: Some(10),
        ..AcquireRequest::new("files", "a run")
    };
    let work = Work {
        command: vec!["true".into()],
        withheld: Vec::new(),
        format: ItemFormat::Lines,
        lease_seconds: None,
        screen: Screen {
            progress: ProgressBar::hidden(),
            own_output_only: true,
        },
        starter: Starter::new().unwrap(),
    };
    let until = Until {
        batches: Some(batches),
        is_failure: true,
        follows: None,
    };
    let run = Arc::new(Run::new(inventory.clone(), request, work, until));
    sent.iter().for_each(|connection| drop(connection.take()));
    run.work(1)
        .await
        .unwrap_or_else(|error| panic!("{}", error.message()));
    let summary = run.summary();
    assert_eq!(summary.succeeded, u64::from(batches));
    sent.iter().map(|connection| connection.take().len()).sum()
}

async fn count(database: TestDatabase, apart: bool, each: usize) {
    let recording = Recording::new(database.connection.clone());
    let mut sent = vec![recording.clone()];
    let mut builder = Inventory::builder().inventory(recording);
    if apart {
        let meta = Recording::new(database.connection.clone());
        sent.push(meta.clone());
        builder = builder.meta(meta);
    }
    let inventory = builder.build().unwrap();
    inventory.migrate().await.unwrap();
    let table = Table::of_items(500);
    table.create(database.connection.as_ref()).await.unwrap();
    // A job's first claim asks more.
    statements(&inventory, &sent, 1).await;
    let few = statements(&inventory, &sent, 2).await;
    let many = statements(&inventory, &sent, 12).await;
    assert_eq!(many - few, 10 * each);
    // No more is claimed than is asked for.
    let jobs = inventory.jobs(&Default::default()).await.unwrap();
    let job = jobs.first().unwrap();
    assert_eq!((job.succeeded, job.running), (15, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_run_is_one_statement_on_postgresql() {
    count(postgres().await.unwrap(), false, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_run_is_three_statements_on_sqlite() {
    count(sqlite().await.unwrap(), false, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_run_is_five_statements_on_two_databases() {
    count(postgres().await.unwrap(), true, 5).await;
}
