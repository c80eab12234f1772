//! Databases to test on: an SQLite file, or a database of its own on the test server.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use batchintory_wasmtime::{Access, Database, connect};
use tempfile::TempDir;

use crate::report;

/// An empty database, alone for one test.
pub struct TestDatabase {
    /// Where it is.
    pub url: String,
    /// A connection to it.
    pub connection: Arc<dyn Database>,
    /// Holds the file as long as the test runs.
    _directory: Option<TempDir>,
}

impl TestDatabase {
    /// What is reached by a connection alone.
    pub fn of(connection: Arc<dyn Database>) -> Self {
        Self {
            url: String::new(),
            connection,
            _directory: None,
        }
    }
}

/// A new SQLite file.
pub async fn sqlite() -> Result<TestDatabase> {
    report::database("SQLite");
    let directory = tempfile::tempdir()?;
    let url = format!("sqlite:{}", directory.path().join("test.sqlite").display());
    Ok(TestDatabase {
        connection: connect(&url, Access::Create).await?,
        url,
        _directory: Some(directory),
    })
}

/// A new database on the server that `BATCHINTORY_TEST_POSTGRES` names.
///
/// It is left behind: the server is a throw-away one.
pub async fn postgres() -> Result<TestDatabase> {
    on_server("BATCHINTORY_TEST_POSTGRES", "PostgreSQL", "").await
}

/// Like [`postgres`], whose letters are those of western Europe alone.
pub async fn postgres_of_few_letters() -> Result<TestDatabase> {
    let letters = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    on_server("BATCHINTORY_TEST_POSTGRES", "PostgreSQL", letters).await
}

/// A new database on the server that `BATCHINTORY_TEST_MYSQL` names; left behind too.
pub async fn mysql() -> Result<TestDatabase> {
    // As the server's own default it may be one that has few letters.
    on_server("BATCHINTORY_TEST_MYSQL", "MySQL", "CHARACTER SET utf8mb4").await
}

async fn on_server(variable: &str, system: &str, options: &str) -> Result<TestDatabase> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    report::database(system);
    let server = env::var(variable).with_context(|| {
        format!(
            "no {system} to test on: run `cargo xtask test`, or set {variable} to the URL of a \
             server on which databases may be created"
        )
    })?;
    let name = format!(
        "batchintory_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    connect(&server, Access::ReadWrite)
        .await?
        .query(&format!("CREATE DATABASE {name} {options}"), &[])
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let url = with_database(&server, &name).with_context(|| format!("{variable} is not a URL"))?;
    Ok(TestDatabase {
        connection: connect(&url, Access::ReadWrite).await?,
        url,
        _directory: None,
    })
}

/// The URL with another database's name.
fn with_database(server: &str, name: &str) -> Option<String> {
    let (before, options) = match server.split_once('?') {
        Some((before, options)) => (before, format!("?{options}")),
        None => (server, String::new()),
    };
    let (scheme, rest) = before.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    Some(format!("{scheme}://{authority}/{name}{options}"))
}
