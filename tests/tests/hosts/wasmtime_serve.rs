//! Every scenario, on `wasmtime serve` with the component for hosts with sockets.

use std::env;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use batchintory::{AcquireRequest, Operations as _};
use batchintory_tests::operations::Place;
use batchintory_tests::suite::{self, Layout, System};
use batchintory_tests::tables::execute;
use batchintory_tests::{HttpProcess, postgres, race};
use tokio::process::Command;

const TOKEN: &str = "a-very-secret-token";

/// The variable with wasmtime's program.
const WASMTIME: &str = "BATCHINTORY_TEST_WASMTIME";

/// Serves with these variables in the component's environment, as docs/serverless.md says.
async fn serve(variables: &[(&str, &str)]) -> Result<HttpProcess> {
    let wasmtime = env::var_os(WASMTIME).with_context(|| {
        format!("run `cargo xtask test`, or set {WASMTIME} to wasmtime's program")
    })?;
    let component =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/component/batchintory-wasi.wasm");
    let command = |address: &str| {
        let mut command = Command::new(wasmtime);
        command
            .args(["serve", "--addr", address, "-C", "cache"])
            .args(["-S", "cli,inherit-network,allow-ip-name-lookup"])
            // What an instance takes, see docs/serverless.md: a request has one to itself.
            .args(["-W", "max-memories=3,max-tables=6,max-instances=12"])
            .args(["--env", &format!("BATCHINTORY_API_TOKEN={TOKEN}")]);
        for (name, value) in variables {
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.arg(component);
        command
    };
    HttpProcess::start(command, TOKEN).await
}

async fn run_all(layout: Layout) -> Result<()> {
    suite::run_all(
        ("wasmtime serve", Place::Http),
        layout,
        async |inventory, meta| {
            serve(&[
                ("BATCHINTORY_INVENTORY_CONN", &inventory.url),
                ("BATCHINTORY_META_CONN", &meta.url),
            ])
            .await
        },
    )
    .await
}

#[tokio::test]
async fn on_postgresql() -> Result<()> {
    run_all(Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn on_two_postgresql_databases() -> Result<()> {
    run_all(Layout::Apart {
        inventory: System::Postgres,
        meta: System::Postgres,
    })
    .await
}

#[tokio::test]
async fn clients_that_race_share_a_job() -> Result<()> {
    let database = postgres().await?;
    let service = serve(&[("BATCHINTORY_INVENTORY_CONN", &database.url)]).await?;
    let repeated = race::race(&database, &service.subject).await?;
    ensure!(repeated == 0, "the server is always reached");
    Ok(())
}

#[tokio::test]
async fn what_is_misconfigured_is_told_without_secrets() -> Result<()> {
    for (url, told) in [
        ("mysql://me:hidden@host", "BATCHINTORY_INVENTORY_CONN"),
        ("postgres://me:hidden@host/db?sslmode=require", "TLS"),
        ("", "is not set"),
    ] {
        let service = serve(&[("BATCHINTORY_INVENTORY_CONN", url)]).await?;
        let refused = service.jobs(Default::default()).await.err();
        let error = refused.with_context(|| format!("{url} must be refused"))?;
        ensure!(error.name == "misconfigured", "{error:?}");
        ensure!(error.message.contains(told), "{error:?}");
        ensure!(!error.message.contains("hidden"), "{error:?}");
    }
    Ok(())
}

/// A server that is silent is not waited for longer than the URL says.
#[tokio::test]
async fn a_statement_has_its_time() -> Result<()> {
    let database = postgres().await?;
    let view = "CREATE VIEW slow AS SELECT CAST(1 AS bigint) AS uid, CAST('a' AS text) AS item, \
        CAST(1 AS double precision) AS weight FROM pg_sleep(60)";
    execute(database.connection.as_ref(), view, &[]).await?;
    let url = format!("{}?statement_timeout=200", database.url);
    let service = serve(&[("BATCHINTORY_INVENTORY_CONN", &url)]).await?;
    service.migrate().await?;
    let request = AcquireRequest::new("slow", "job");
    let late = service.acquire(request, None).await.err();
    let error = late.context("it takes a minute")?;
    ensure!(error.name == "unavailable", "{error:?}");
    ensure!(error.message.contains("within 200 ms"), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() -> Result<()> {
    for url in [
        "postgres://me:hidden@127.0.0.1:1/db",
        "postgres://me:hidden@nowhere.invalid/db",
    ] {
        let service = serve(&[("BATCHINTORY_INVENTORY_CONN", url)]).await?;
        let refused = service.jobs(Default::default()).await.err();
        let error = refused.context("nobody is there")?;
        ensure!(error.name == "unavailable", "{error:?}");
        ensure!(!error.message.contains("hidden"), "{error:?}");
    }
    Ok(())
}
