//! Every scenario, on every host and every database.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use batchintory::Planner;
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_tests::{HttpSubject, Scenario, Subject, TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Database, DatabaseOptions, Databases, Inventory, SystemRandom};
use tokio::net::TcpListener;

/// What runs the planner.
#[derive(Clone, Copy)]
enum Host {
    NativeCore,
    Component,
    HttpService,
}

async fn subject(
    host: Host,
    inventory: Arc<dyn Database>,
    meta: Arc<dyn Database>,
) -> Result<Box<dyn Subject>> {
    Ok(match host {
        Host::NativeCore => {
            let databases = Databases::new(inventory, meta, DatabaseOptions::default());
            Box::new(Planner::new(databases, SystemRandom))
        }
        Host::Component => Box::new(
            Inventory::builder()
                .inventory(inventory)
                .meta(meta)
                .build()?,
        ),
        Host::HttpService => {
            let databases = Databases::new(inventory, meta, DatabaseOptions::default());
            let settings = ServiceSettings {
                api_token: Some("secret".into()),
                protect_reads: true,
            };
            let service = HttpService::embedded(databases, settings)?;
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let url = format!("http://{}", listener.local_addr()?);
            // It ends with the test's runtime.
            tokio::spawn(service.serve(listener, std::future::pending()));
            Box::new(HttpSubject::new(url, "secret"))
        }
    })
}

/// Runs all scenarios, each with databases of its own, and tells of all that fail.
async fn run_all<I, M>(host: Host, inventory: impl Fn() -> I, meta: impl Fn() -> M) -> Result<()>
where
    I: Future<Output = Result<Option<TestDatabase>>>,
    M: Future<Output = Result<TestDatabase>>,
{
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let scenarios = Scenario::read_all(&directory)?;
    ensure!(
        !scenarios.is_empty(),
        "no scenarios in {}",
        directory.display()
    );
    let mut failed = Vec::new();
    for (name, scenario) in &scenarios {
        let meta = meta().await?;
        // Without a database of its own, the inventory lies beside the meta tables.
        let inventory = inventory().await?;
        let connection = inventory.as_ref().unwrap_or(&meta).connection.clone();
        let subject = subject(host, connection.clone(), meta.connection.clone()).await?;
        let outcome = scenario
            .run(
                subject.as_ref(),
                connection.as_ref(),
                meta.connection.as_ref(),
            )
            .await
            .with_context(|| format!("scenario {name}"));
        if let Err(error) = outcome {
            failed.push(format!("{error:?}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    Ok(())
}

async fn beside_the_meta_tables() -> Result<Option<TestDatabase>> {
    Ok(None)
}

async fn own_sqlite() -> Result<Option<TestDatabase>> {
    sqlite().await.map(Some)
}

async fn own_postgres() -> Result<Option<TestDatabase>> {
    postgres().await.map(Some)
}

async fn own_mysql() -> Result<Option<TestDatabase>> {
    mysql().await.map(Some)
}

#[tokio::test]
async fn native_core_on_sqlite() -> Result<()> {
    run_all(Host::NativeCore, beside_the_meta_tables, sqlite).await
}

#[tokio::test]
async fn native_core_on_postgresql() -> Result<()> {
    run_all(Host::NativeCore, beside_the_meta_tables, postgres).await
}

#[tokio::test]
async fn native_core_on_mysql() -> Result<()> {
    run_all(Host::NativeCore, beside_the_meta_tables, mysql).await
}

#[tokio::test]
async fn component_on_sqlite() -> Result<()> {
    run_all(Host::Component, beside_the_meta_tables, sqlite).await
}

#[tokio::test]
async fn component_on_postgresql() -> Result<()> {
    run_all(Host::Component, beside_the_meta_tables, postgres).await
}

#[tokio::test]
async fn component_on_mysql() -> Result<()> {
    run_all(Host::Component, beside_the_meta_tables, mysql).await
}

#[tokio::test]
async fn http_service_on_sqlite() -> Result<()> {
    run_all(Host::HttpService, beside_the_meta_tables, sqlite).await
}

#[tokio::test]
async fn http_service_on_postgresql() -> Result<()> {
    run_all(Host::HttpService, beside_the_meta_tables, postgres).await
}

#[tokio::test]
async fn http_service_on_mysql() -> Result<()> {
    run_all(Host::HttpService, beside_the_meta_tables, mysql).await
}

#[tokio::test]
async fn inventory_in_sqlite_and_meta_tables_in_postgresql() -> Result<()> {
    run_all(Host::Component, own_sqlite, postgres).await
}

#[tokio::test]
async fn inventory_in_postgresql_and_meta_tables_in_sqlite() -> Result<()> {
    run_all(Host::Component, own_postgres, sqlite).await
}

#[tokio::test]
async fn inventory_in_sqlite_and_meta_tables_in_mysql() -> Result<()> {
    run_all(Host::Component, own_sqlite, mysql).await
}

#[tokio::test]
async fn inventory_in_mysql_and_meta_tables_in_sqlite() -> Result<()> {
    run_all(Host::Component, own_mysql, sqlite).await
}
