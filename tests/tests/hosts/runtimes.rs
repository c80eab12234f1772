//! Every scenario through the package for JavaScript, in runtimes other than Node.js: by `cargo
//! xtask test --edge all`.

use anyhow::{Context, Result};
use batchintory::Operations as _;
use batchintory_tests::language::Language;
use batchintory_tests::operations::Place;
use batchintory_tests::suite::{self, Layout, System};
use batchintory_tests::tables::Table;
use batchintory_tests::{HttpSubject, ProcessSubject, postgres};

use crate::abandoned;

async fn run_all(name: &str, runtime: &str, arguments: &[&str]) -> Result<()> {
    let program = ProcessSubject::start(Language::in_runtime(runtime, arguments, "subject")?)?;
    suite::run_all(
        (name, Language::JavaScript.place()),
        Layout::Together(System::Sqlite),
        async |inventory, meta| {
            program.open(&inventory.url, &meta.url).await?;
            Ok(program.clone())
        },
    )
    .await
}

/// The access token of the services there.
const TOKEN: &str = "a-very-secret-token";

/// The service of the package, by HTTP.
async fn run_all_on_service(
    name: &str,
    runtime: &str,
    arguments: &[&str],
    system: System,
) -> Result<()> {
    let mut program = Language::in_runtime(runtime, arguments, "service-subject")?;
    program.env("BATCHINTORY_API_TOKEN", TOKEN);
    let program = ProcessSubject::start(program)?;
    suite::run_all(
        (name, Place::Http),
        Layout::Together(system),
        async |inventory, meta| {
            program.open(&inventory.url, &meta.url).await?;
            Ok(HttpSubject::new(program.address().await?, TOKEN))
        },
    )
    .await
}

const DENO: &str = "@deno/linux-x64-glibc/deno";
const DENO_RUN: [&str; 3] = ["run", "--allow-all", "--node-modules-dir=manual"];
const BUN: &str = "@oven/bun-linux-x64/bin/bun";
const NODE: &str = "node-26/bin/node";

#[tokio::test]
async fn deno_on_sqlite() -> Result<()> {
    run_all("Deno", DENO, &DENO_RUN).await
}

#[tokio::test]
async fn bun_on_sqlite() -> Result<()> {
    run_all("Bun", BUN, &["run"]).await
}

#[tokio::test]
async fn node_26_on_sqlite() -> Result<()> {
    run_all("Node.js 26", NODE, &[]).await
}

#[tokio::test]
async fn the_service_in_deno() -> Result<()> {
    run_all_on_service("HTTP service in Deno", DENO, &DENO_RUN, System::Sqlite).await
}

#[tokio::test]
async fn the_service_in_bun() -> Result<()> {
    run_all_on_service("HTTP service in Bun", BUN, &["run"], System::Sqlite).await
}

#[tokio::test]
async fn the_service_in_node_26() -> Result<()> {
    run_all_on_service("HTTP service in Node.js 26", NODE, &[], System::Sqlite).await
}

#[tokio::test]
async fn the_service_in_node_26_on_postgresql() -> Result<()> {
    run_all_on_service("HTTP service in Node.js 26", NODE, &[], System::Postgres).await
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_statement_in_node_26() -> Result<()> {
    let database = postgres().await?;
    Table::of_items(3)
        .create(database.connection.as_ref())
        .await?;
    let mut program = Language::in_runtime(NODE, &[], "service-subject")?;
    program.env("BATCHINTORY_API_TOKEN", abandoned::TOKEN);
    let program = ProcessSubject::start(program)?;
    program.open(&database.url, &database.url).await?;
    let url = program.address().await?;
    HttpSubject::new(&url, abandoned::TOKEN).migrate().await?;
    let address = url.strip_prefix("http://").context("an address")?;
    let lock = abandoned::lock_on_postgres(&database).await?;
    let client = abandoned::claim(address, "job", "files").await?;
    let waiting = abandoned::WAITING_ON_POSTGRES;
    abandoned::wait_for(&database.connection, waiting, 1).await?;
    drop(client);
    abandoned::wait_for(&database.connection, waiting, 0).await?;
    lock.batch_execute("COMMIT").await?;
    abandoned::claims_all(address).await
}
