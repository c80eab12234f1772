//! A meta table in another database than at the job's latest range is told.

use anyhow::{Result, bail, ensure};
use batchintory::{AcquireRequest, OnChange};
use batchintory_tests::TestDatabase;
use batchintory_tests::suite::System;
use batchintory_tests::tables::{Table, execute};
use batchintory_wasmtime::{Acquired, Inventory};

/// A process whose meta tables lie in this database.
fn process(inventory: &TestDatabase, meta: &TestDatabase) -> Result<Inventory> {
    let builder = Inventory::builder()
        .inventory(inventory.connection.clone())
        .meta(meta.connection.clone());
    Ok(builder.build()?)
}

async fn claim(inventory: &Inventory, request: &AcquireRequest) -> Result<()> {
    match inventory.acquire(request).await? {
        Acquired::Batch(_) => Ok(()),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

fn request(on_change: OnChange) -> AcquireRequest {
    AcquireRequest {
        max_count: Some(1),
        on_change,
        ..AcquireRequest::new("files", "job")
    }
}

/// Whether a process tells of another database, by warnings and by its progress alike.
async fn is_told(inventory: &Inventory) -> Result<bool> {
    let request = request(OnChange::Refuse);
    let warnings = inventory.warnings(&request).await?;
    let is_warned = (warnings.iter()).any(|warning| warning.contains("lies in another database"));
    let progress = inventory.progress(&request, 100).await?;
    ensure!(
        progress.other_meta_database == is_warned,
        "{progress:?} {warnings:?}"
    );
    Ok(is_warned)
}

/// Two databases with a table of one name, which no name of a source tells apart.
async fn another_database(system: System) -> Result<()> {
    let (first, second) = (system.database().await?, system.database().await?);
    for database in [&first, &second] {
        Table::of_items(5)
            .create(database.connection.as_ref())
            .await?;
    }
    let (here, there) = (process(&first, &first)?, process(&first, &second)?);
    here.migrate().await?;
    ensure!(!is_told(&there).await?, "there is no range yet");
    claim(&here, &request(OnChange::Refuse)).await?;
    ensure!(!is_told(&here).await? && is_told(&there).await?);
    // What is told goes on being told.
    claim(&there, &request(OnChange::Refuse)).await?;
    ensure!(!is_told(&here).await? && is_told(&there).await?);
    // Until the change is accepted.
    claim(&there, &request(OnChange::Accept)).await?;
    ensure!(is_told(&here).await? && !is_told(&there).await?);
    Ok(())
}

#[tokio::test]
async fn another_database_is_told_on_sqlite() -> Result<()> {
    another_database(System::Sqlite).await
}

#[tokio::test]
async fn another_database_is_told_on_postgresql() -> Result<()> {
    another_database(System::Postgres).await
}

/// What was kept is made that of another server, as after a restore on one.
async fn another_server(system: System, update: &str) -> Result<()> {
    let database = system.database().await?;
    let table = Table::of_items(5);
    table.create(database.connection.as_ref()).await?;
    let inventory = process(&database, &database)?;
    inventory.migrate().await?;
    claim(&inventory, &request(OnChange::Refuse)).await?;
    ensure!(!is_told(&inventory).await?);
    execute(database.connection.as_ref(), update, &[]).await?;
    ensure!(is_told(&inventory).await?);
    Ok(())
}

#[tokio::test]
async fn another_server_is_told_on_mysql() -> Result<()> {
    let update = "UPDATE inventory SET meta_database = CONCAT('another ', meta_database)";
    another_server(System::Mysql, update).await
}

#[tokio::test]
async fn another_server_is_told_on_postgresql() -> Result<()> {
    let update = "UPDATE inventory SET meta_database = CONCAT('9', meta_database)";
    another_server(System::Postgres, update).await
}
