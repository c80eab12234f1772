//! Every scenario in Cloudflare's runtime, through the package for JavaScript.

use anyhow::{Result, ensure};
use batchintory::Dialect;
use batchintory_tests::language::Language;
use batchintory_tests::operations::Place;
use batchintory_tests::{HttpSubject, ProcessSubject, process_database, race, suite};

/// Cloudflare's databases give integers as numbers of JavaScript.
const REFUSED: [(&str, &str); 1] = [("ids-of-all-kinds", "which is not exact beyond 2^53")];

/// The access token of the services there.
const TOKEN: &str = "a-very-secret-token";

fn start(argument: &str) -> Result<ProcessSubject> {
    let mut program = Language::JavaScript.program("workerd-subject")?;
    program.arg(argument);
    ProcessSubject::start(program)
}

async fn run_all(argument: &str, system: &'static str) -> Result<()> {
    let program = start(argument)?;
    let place = ("JavaScript in workerd", Language::JavaScript.place());
    let outcome = suite::run_with(place, system, &REFUSED, async || {
        program.open("", "").await?;
        let database = process_database::opened(&program, system, Dialect::Sqlite);
        Ok((program.clone(), database, None))
    })
    .await;
    program.close().await?;
    outcome
}

#[tokio::test]
async fn javascript_in_workerd_on_d1() -> Result<()> {
    run_all("d1", "D1").await
}

#[tokio::test]
async fn javascript_in_workerd_in_a_durable_object() -> Result<()> {
    run_all("durable-object", "Durable Object").await
}

/// The service over the same databases, by HTTP.
async fn run_all_on_service(argument: &str, system: &'static str) -> Result<()> {
    let program = start(argument)?;
    let place = ("HTTP service in workerd", Place::Http);
    let outcome = suite::run_with(place, system, &REFUSED, async || {
        program.open("", "").await?;
        let service = HttpSubject::new(program.address().await?, TOKEN);
        let database = process_database::opened(&program, system, Dialect::Sqlite);
        Ok((service, database, None))
    })
    .await;
    program.close().await?;
    outcome
}

#[tokio::test]
async fn the_service_in_workerd_on_d1() -> Result<()> {
    run_all_on_service("d1", "D1").await
}

#[tokio::test]
async fn the_service_in_workerd_in_a_durable_object() -> Result<()> {
    run_all_on_service("durable-object", "Durable Object").await
}

#[tokio::test]
async fn clients_that_race_share_a_job_in_workerd() -> Result<()> {
    let program = start("d1")?;
    program.open("", "").await?;
    let service = HttpSubject::new(program.address().await?, TOKEN);
    let database = process_database::opened(&program, "D1", Dialect::Sqlite);
    let repeated = race::race(&database, &service).await;
    program.close().await?;
    ensure!(repeated? == 0, "the service is always reached");
    Ok(())
}
