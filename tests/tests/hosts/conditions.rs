//! The table of conditions, on every database under every time zone, and a sample of it on every host.

use anyhow::Result;
use batchintory::{Dialect, Operations as _};
use batchintory_tests::ProcessSubject;
use batchintory_tests::conditions::{self, Zone};
use batchintory_tests::language::Language;
use batchintory_tests::suite::System;
use batchintory_tests::tables::execute;

use crate::scenarios::{Host, serve};

/// On hosts other than the core, which is the same everywhere, one case in so many.
const SAMPLE: usize = 9;

#[test]
fn the_table_is_as_large_as_it_should_be() -> Result<()> {
    let cases = conditions::count(&conditions::read()?);
    assert!(cases >= 300, "{cases} cases");
    Ok(())
}

/// Runs cases in sessions of each time zone.
async fn on_host(host: Host, system: System, every: usize) -> Result<()> {
    let groups = conditions::read()?;
    let database = system.database().await?;
    let dialect = database.connection.dialect();
    conditions::make_tables(&groups, database.connection.as_ref()).await?;
    for zone in Zone::of_sessions(dialect) {
        let session = conditions::session(&database, *zone).await?;
        let subject = serve(host, session.clone(), session).await?;
        subject.migrate().await?;
        conditions::run(&groups, dialect, &subject, *zone, every).await?;
    }
    Ok(())
}

/// Runs cases through a package, on databases whose sessions begin in each time zone.
async fn in_language(language: Language, system: System) -> Result<()> {
    let groups = conditions::read()?;
    let program = ProcessSubject::start(language.program("subject")?)?;
    let database = system.database().await?;
    let connection = database.connection.as_ref();
    let dialect = connection.dialect();
    conditions::make_tables(&groups, connection).await?;
    for zone in Zone::of_sessions(dialect) {
        if dialect == Dialect::Postgresql {
            let statement = format!(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone TO %L', \
                 current_database(), '{}'); END $$",
                zone.name()
            );
            execute(connection, &statement, &[]).await?;
        }
        program.open(&database.url, &database.url).await?;
        program.migrate().await?;
        conditions::run(&groups, dialect, &program, *zone, SAMPLE).await?;
    }
    Ok(())
}

#[tokio::test]
async fn native_core_on_sqlite() -> Result<()> {
    on_host(Host::NativeCore, System::Sqlite, 1).await
}

#[tokio::test]
async fn native_core_on_postgresql() -> Result<()> {
    on_host(Host::NativeCore, System::Postgres, 1).await
}

#[tokio::test]
async fn native_core_on_mysql() -> Result<()> {
    on_host(Host::NativeCore, System::Mysql, 1).await
}

#[tokio::test]
async fn component_on_sqlite() -> Result<()> {
    on_host(Host::Component, System::Sqlite, SAMPLE).await
}

#[tokio::test]
async fn component_on_postgresql() -> Result<()> {
    on_host(Host::Component, System::Postgres, SAMPLE).await
}

#[tokio::test]
async fn component_on_mysql() -> Result<()> {
    on_host(Host::Component, System::Mysql, SAMPLE).await
}

#[tokio::test]
async fn http_service_on_sqlite() -> Result<()> {
    on_host(Host::HttpService, System::Sqlite, SAMPLE).await
}

#[tokio::test]
async fn http_service_on_postgresql() -> Result<()> {
    on_host(Host::HttpService, System::Postgres, SAMPLE).await
}

#[tokio::test]
async fn http_service_on_mysql() -> Result<()> {
    on_host(Host::HttpService, System::Mysql, SAMPLE).await
}

#[tokio::test]
async fn python_on_sqlite() -> Result<()> {
    in_language(Language::Python, System::Sqlite).await
}

#[tokio::test]
async fn python_on_postgresql() -> Result<()> {
    in_language(Language::Python, System::Postgres).await
}

#[tokio::test]
async fn python_on_mysql() -> Result<()> {
    in_language(Language::Python, System::Mysql).await
}

#[tokio::test]
async fn javascript_on_sqlite() -> Result<()> {
    in_language(Language::JavaScript, System::Sqlite).await
}

#[tokio::test]
async fn javascript_on_postgresql() -> Result<()> {
    in_language(Language::JavaScript, System::Postgres).await
}
