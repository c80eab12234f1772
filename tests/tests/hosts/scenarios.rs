//! Every scenario, on every host and every database.

use std::sync::Arc;

use anyhow::Result;
use batchintory::Planner;
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_tests::operations::Place;
use batchintory_tests::suite::{self, Layout, System};
use batchintory_tests::{HttpSubject, Subject};
use batchintory_wasmtime::{Database, DatabaseOptions, Databases, Inventory, SystemRandom};
use tokio::net::TcpListener;

/// The service's access token.
const TOKEN: &str = "a-very-secret-token";

/// What runs the planner.
#[derive(Clone, Copy)]
pub(crate) enum Host {
    NativeCore,
    Component,
    HttpService,
}

impl Host {
    fn name(self) -> &'static str {
        match self {
            Self::NativeCore => "native core",
            Self::Component => "component",
            Self::HttpService => "HTTP service",
        }
    }

    fn place(self) -> Place {
        match self {
            Self::NativeCore | Self::Component => Place::Scenarios,
            Self::HttpService => Place::Http,
        }
    }
}

/// Runs every scenario on a host.
async fn run_all(host: Host, layout: Layout) -> Result<()> {
    suite::run_all(
        (host.name(), host.place()),
        layout,
        async |inventory, meta| {
            serve(host, inventory.connection.clone(), meta.connection.clone()).await
        },
    )
    .await
}

pub(crate) async fn serve(
    host: Host,
    inventory: Arc<dyn Database>,
    meta: Arc<dyn Database>,
) -> Result<Subject> {
    Ok(match host {
        Host::NativeCore => {
            let databases = Databases::new(inventory, meta, DatabaseOptions::default());
            Subject::NativeCore(Planner::new(databases, SystemRandom))
        }
        Host::Component => Subject::Component(
            Inventory::builder()
                .inventory(inventory)
                .meta(meta)
                .build()?,
        ),
        Host::HttpService => {
            let databases = Databases::new(inventory, meta, DatabaseOptions::default());
            let settings = ServiceSettings {
                api_token: Some(TOKEN.into()),
                ..ServiceSettings::default()
            };
            let service = HttpService::embedded(databases, settings)?;
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let url = format!("http://{}", listener.local_addr()?);
            // It ends with the test's runtime.
            tokio::spawn(service.serve(listener, std::future::pending()));
            Subject::Service(HttpSubject::new(url, TOKEN))
        }
    })
}

#[tokio::test]
async fn native_core_on_sqlite() -> Result<()> {
    run_all(Host::NativeCore, Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn native_core_on_postgresql() -> Result<()> {
    run_all(Host::NativeCore, Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn native_core_on_mysql() -> Result<()> {
    run_all(Host::NativeCore, Layout::Together(System::Mysql)).await
}

#[tokio::test]
async fn component_on_sqlite() -> Result<()> {
    run_all(Host::Component, Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn component_on_postgresql() -> Result<()> {
    run_all(Host::Component, Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn component_on_mysql() -> Result<()> {
    run_all(Host::Component, Layout::Together(System::Mysql)).await
}

#[tokio::test]
async fn http_service_on_sqlite() -> Result<()> {
    run_all(Host::HttpService, Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn http_service_on_postgresql() -> Result<()> {
    run_all(Host::HttpService, Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn http_service_on_mysql() -> Result<()> {
    run_all(Host::HttpService, Layout::Together(System::Mysql)).await
}

async fn apart(inventory: System, meta: System) -> Result<()> {
    run_all(Host::Component, Layout::Apart { inventory, meta }).await
}

#[tokio::test]
async fn inventory_in_sqlite_and_meta_tables_in_postgresql() -> Result<()> {
    apart(System::Sqlite, System::Postgres).await
}

#[tokio::test]
async fn inventory_in_postgresql_and_meta_tables_in_sqlite() -> Result<()> {
    apart(System::Postgres, System::Sqlite).await
}

#[tokio::test]
async fn inventory_in_sqlite_and_meta_tables_in_mysql() -> Result<()> {
    apart(System::Sqlite, System::Mysql).await
}

#[tokio::test]
async fn inventory_in_mysql_and_meta_tables_in_sqlite() -> Result<()> {
    apart(System::Mysql, System::Sqlite).await
}
