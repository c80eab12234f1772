//! Every scenario, through the packages for other languages.

use anyhow::Result;
use batchintory_tests::ProcessSubject;
use batchintory_tests::language::Language;
use batchintory_tests::suite::{self, Layout, System};
use tokio::process::Command;

async fn run_all(language: Language, layout: Layout) -> Result<()> {
    run_all_by(language, language.program("subject")?, layout).await
}

/// Through Python's `AsyncInventory`, by this module for PostgreSQL or MySQL.
pub(crate) async fn run_all_in_event_loop(module: &str, layout: Layout) -> Result<()> {
    let mut program = Language::Python.program("async_subject")?;
    program.arg(module);
    run_all_by(Language::Python, program, layout).await
}

async fn run_all_by(language: Language, program: Command, layout: Layout) -> Result<()> {
    // One for all scenarios: it takes longer to start than to do any of them.
    let program = ProcessSubject::start(program)?;
    suite::run_all(
        (language.name(), language.place()),
        layout,
        async |inventory, meta| {
            program.open(&inventory.url, &meta.url).await?;
            Ok(program.clone())
        },
    )
    .await
}

pub(crate) const INVENTORY_IN_SQLITE: Layout = Layout::Apart {
    inventory: System::Sqlite,
    meta: System::Postgres,
};

pub(crate) const INVENTORY_IN_POSTGRES: Layout = Layout::Apart {
    inventory: System::Postgres,
    meta: System::Sqlite,
};

#[tokio::test]
async fn python_on_sqlite() -> Result<()> {
    run_all(Language::Python, Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn python_on_postgresql() -> Result<()> {
    run_all(Language::Python, Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn python_on_mysql() -> Result<()> {
    run_all(Language::Python, Layout::Together(System::Mysql)).await
}

#[tokio::test]
async fn python_in_an_event_loop_on_postgresql() -> Result<()> {
    run_all_in_event_loop("asyncpg", Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn python_with_the_inventory_in_sqlite_and_meta_tables_in_postgresql() -> Result<()> {
    run_all(Language::Python, INVENTORY_IN_SQLITE).await
}

#[tokio::test]
async fn python_with_the_inventory_in_postgresql_and_meta_tables_in_sqlite() -> Result<()> {
    run_all(Language::Python, INVENTORY_IN_POSTGRES).await
}

#[tokio::test]
async fn javascript_on_sqlite() -> Result<()> {
    run_all(Language::JavaScript, Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn javascript_on_postgresql() -> Result<()> {
    run_all(Language::JavaScript, Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn javascript_with_the_inventory_in_sqlite_and_meta_tables_in_postgresql() -> Result<()> {
    run_all(Language::JavaScript, INVENTORY_IN_SQLITE).await
}

#[tokio::test]
async fn javascript_with_the_inventory_in_postgresql_and_meta_tables_in_sqlite() -> Result<()> {
    run_all(Language::JavaScript, INVENTORY_IN_POSTGRES).await
}
