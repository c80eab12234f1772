//! Every scenario in Cloudflare's runtime, through the package for JavaScript.

use anyhow::Result;
use batchintory::Dialect;
use batchintory_tests::ProcessSubject;
use batchintory_tests::language::Language;
use batchintory_tests::{process_database, suite};

/// Cloudflare's databases give integers as numbers of JavaScript.
const REFUSED: [(&str, &str); 1] = [("ids-of-all-kinds", "which is not exact beyond 2^53")];

async fn run_all(argument: &str, system: &'static str) -> Result<()> {
    let mut program = Language::JavaScript.program("workerd-subject")?;
    program.arg(argument);
    let program = ProcessSubject::start(program)?;
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
