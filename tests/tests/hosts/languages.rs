//! Every scenario, through the packages for other languages.

use anyhow::Result;
use batchintory_tests::ProcessSubject;
use batchintory_tests::language::Language;
use batchintory_tests::suite::{self, Layout, System};

async fn run_all(language: Language, layout: Layout) -> Result<()> {
    // One for all scenarios: it takes longer to start than to do any of them.
    let program = ProcessSubject::start(language.program("subject")?)?;
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

const INVENTORY_IN_SQLITE: Layout = Layout::Apart {
    inventory: System::Sqlite,
    meta: System::Postgres,
};

const INVENTORY_IN_POSTGRES: Layout = Layout::Apart {
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
