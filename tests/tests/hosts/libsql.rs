//! Every scenario on libSQL's own server, through the package for JavaScript.

use anyhow::Result;
use batchintory::Dialect;
use batchintory_tests::language::Language;
use batchintory_tests::{ProcessSubject, process_database, suite};

#[tokio::test]
async fn javascript_on_libsql() -> Result<()> {
    let program = ProcessSubject::start(Language::JavaScript.program("libsql-subject")?)?;
    let place = ("JavaScript", Language::JavaScript.place());
    let outcome = suite::run_with(place, "libSQL", &[], async || {
        program.open("", "").await?;
        let database = process_database::opened(&program, "libSQL", Dialect::Sqlite);
        Ok((program.clone(), database, None))
    })
    .await;
    program.close().await?;
    outcome
}
