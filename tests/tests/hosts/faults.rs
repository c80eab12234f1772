//! Databases that are down, go away, or cannot be written to.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use batchintory::{AcquireRequest, Outcome};
use batchintory_tests::proxy::Proxy;
use batchintory_tests::recording::{Fault, Recording};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Access, Acquired, Batch, Error, Inventory, JobsQuery, connect};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

fn request() -> AcquireRequest {
    AcquireRequest {
        max_count: Some(1),
        ..AcquireRequest::new("files", "job")
    }
}

/// Two items, and an inventory.
async fn prepare(database: &TestDatabase) -> Result<Inventory> {
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    Table::files(vec![
        vec![json!(1), json!("a"), json!(1)],
        vec![json!(2), json!("b"), json!(1)],
    ])
    .create(database.connection.as_ref())
    .await?;
    Ok(inventory)
}

fn batch(acquired: Acquired) -> Result<Batch> {
    match acquired {
        Acquired::Batch(batch) => Ok(batch),
        Acquired::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

fn name<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => format!("{}: {error}", error.name()),
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_named_without_its_password() -> Result<()> {
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for scheme in ["postgres", "mysql"] {
        let error = name(Inventory::open(&format!("{scheme}://me:hunter2@{free}/lake")).await);
        assert!(error.contains(&free.port().to_string()), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    Ok(())
}

/// A server that goes away in between is told and found again.
async fn gone_in_between(database: TestDatabase) -> Result<()> {
    prepare(&database).await?;
    let server = server_address(&database.url)?;
    let proxy = Proxy::before(server.clone()).await?;
    let url = database.url.replace(&server, &proxy.address.to_string());
    let inventory = Inventory::open(&url).await?;
    let first = batch(inventory.acquire(&request()).await?)?;

    proxy.cut();
    let error = name(inventory.acquire(&request()).await);
    assert!(error.starts_with("unavailable: "), "{error}");
    let error = name(
        inventory
            .complete(&first.claim_token, &Outcome::succeeded(None))
            .await,
    );
    assert!(error.starts_with("unavailable: "), "{error}");

    proxy.heal();
    assert_eq!(
        inventory
            .jobs(&JobsQuery::default())
            .await?
            .first()
            .context("a job")?
            .running,
        1
    );
    first.succeed().await?;
    assert_eq!(batch(inventory.acquire(&request()).await?)?.id_start, 2);
    Ok(())
}

#[tokio::test]
async fn a_postgresql_that_goes_away_in_between_is_told_and_found_again() -> Result<()> {
    gone_in_between(postgres().await?).await
}

#[tokio::test]
async fn a_mysql_that_goes_away_in_between_is_told_and_found_again() -> Result<()> {
    gone_in_between(mysql().await?).await
}

/// Connections that were closed while they lay idle are not used: no call hears of it. The client's runtime
/// does not run meanwhile, as in a program that does other work.
fn closed_while_idle(
    database: impl Future<Output = Result<TestDatabase>>,
    idle: Duration,
) -> Result<()> {
    let servers = Runtime::new()?;
    let client = Builder::new_current_thread().enable_all().build()?;
    let database = servers.block_on(database)?;
    servers.block_on(prepare(&database))?;
    let server = server_address(&database.url)?;
    let proxy = servers.block_on(Proxy::before(server.clone()))?;
    let url = database.url.replace(&server, &proxy.address.to_string());
    let inventory = client.block_on(Inventory::open(&url))?;
    for _ in 0..20 {
        servers.block_on(proxy.cut_idle());
        std::thread::sleep(idle);
        client.block_on(inventory.jobs(&JobsQuery::default()))?;
    }
    Ok(())
}

#[test]
fn connections_to_postgresql_that_were_closed_while_idle_are_not_used() -> Result<()> {
    closed_while_idle(postgres(), Duration::ZERO)
}

#[test]
fn connections_to_mysql_that_were_closed_while_idle_are_not_used() -> Result<()> {
    closed_while_idle(mysql(), Duration::from_millis(150))
}

/// A connection that breaks during a statement does not hang. `running` selects a row as long as
/// the statement `sleep` runs.
async fn broken_during_a_statement(
    database: TestDatabase,
    sleep: &'static str,
    running: &str,
) -> Result<()> {
    prepare(&database).await?;
    let server = server_address(&database.url)?;
    let proxy = Proxy::before(server.clone()).await?;
    let url = database.url.replace(&server, &proxy.address.to_string());
    let through_proxy = connect(&url, Access::ReadWrite).await?;
    let sleeping = tokio::spawn(async move { through_proxy.query(sleep, &[]).await });
    // The statement has reached the server once the server says so.
    loop {
        let answer = database.connection.query(running, &[]).await;
        let rows = answer.map_err(|error| anyhow::anyhow!("{error:?}"))?.rows;
        if !rows.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    proxy.cut();
    let error = sleeping.await?.err().context("the connection was cut")?;
    assert!(
        matches!(error, batchintory::DatabaseError::OutcomeUnknown(_)),
        "{error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_connection_to_postgresql_that_breaks_during_a_statement_does_not_hang() -> Result<()> {
    broken_during_a_statement(
        postgres().await?,
        "SELECT pg_sleep(600)::text",
        "SELECT CAST(pid AS bigint) FROM pg_stat_activity WHERE datname = current_database() \
         AND state = 'active' AND query LIKE 'SELECT pg_sleep%'",
    )
    .await
}

#[tokio::test]
async fn a_connection_to_mysql_that_breaks_during_a_statement_does_not_hang() -> Result<()> {
    broken_during_a_statement(
        mysql().await?,
        "SELECT CAST(sleep(600) AS signed)",
        "SELECT CAST(id AS signed) FROM information_schema.processlist WHERE db = database() \
         AND command = 'Execute' AND info LIKE 'SELECT CAST(sleep%'",
    )
    .await
}

/// The `host:port` of a URL.
pub(crate) fn server_address(url: &str) -> Result<String> {
    let (_, rest) = url.split_once("://").context("a URL")?;
    let authority = rest.split('/').next().context("an authority")?;
    Ok(authority.rsplit('@').next().unwrap_or(authority).to_owned())
}

/// An answer that was lost loses no batch and hands none out twice. Before the claim itself, so many
/// statements are sent, by a job's first claim and by others.
async fn lost_answers(database: TestDatabase, [first, later]: [usize; 2]) -> Result<()> {
    prepare(&database).await?;
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;

    let after = |statements, fault| {
        let mut faults = vec![None; statements];
        faults.push(Some(fault));
        faults
    };
    recording.inject(&after(first, Fault::AnswerLost));
    let first = batch(inventory.acquire(&request()).await?)?;
    assert_eq!((first.id_start, first.count), (1, 1));

    recording.inject(&after(later, Fault::StatementLost));
    let second = batch(inventory.acquire(&request()).await?)?;
    assert_eq!((second.id_start, second.count), (2, 1));

    recording.inject(&[Some(Fault::AnswerLost)]);
    first.succeed().await?;
    recording.inject(&[Some(Fault::StatementLost)]);
    second.succeed().await?;
    let jobs = inventory.jobs(&JobsQuery::default()).await?;
    let job = jobs.first().context("a job")?;
    assert_eq!((job.succeeded, job.running, job.items), (2, 0, 2));
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_loses_nothing_on_sqlite() -> Result<()> {
    lost_answers(sqlite().await?, [4, 0]).await
}

#[tokio::test]
async fn a_lost_answer_loses_nothing_on_postgresql() -> Result<()> {
    lost_answers(postgres().await?, [3, 0]).await
}

#[tokio::test]
async fn a_lost_answer_loses_nothing_on_mysql() -> Result<()> {
    lost_answers(mysql().await?, [3, 2]).await
}

/// A database that fails at any statement of a call leaves nothing half done.
#[tokio::test]
async fn a_database_that_fails_at_any_statement_changes_nothing() -> Result<()> {
    let database = sqlite().await?;
    prepare(&database).await?;
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    for at in 0..4 {
        let mut faults = vec![None; at];
        faults.push(Some(Fault::Unreachable));
        recording.inject(&faults);
        let error = name(inventory.acquire(&request()).await);
        assert!(error.starts_with("unavailable: "), "{error}");
        assert!(inventory.jobs(&JobsQuery::default()).await?.is_empty());
    }
    assert_eq!(batch(inventory.acquire(&request()).await?)?.id_start, 1);
    Ok(())
}

#[tokio::test]
async fn a_read_only_inventory_is_told_and_left_alone() -> Result<()> {
    let database = sqlite().await?;
    prepare(&database).await?;
    let read_only = connect(&database.url, Access::ReadOnly).await?;
    let inventory = Inventory::builder().inventory(read_only).build()?;
    let error = name(inventory.acquire(&request()).await);
    assert!(error.contains("cannot be written to"), "{error}");
    assert!(inventory.jobs(&JobsQuery::default()).await?.is_empty());

    let database = postgres().await?;
    prepare(&database).await?;
    let name_of_database = database
        .url
        .rsplit('/')
        .next()
        .and_then(|rest| rest.split('?').next());
    let name_of_database = name_of_database.context("a database")?;
    execute(
        database.connection.as_ref(),
        &format!("ALTER DATABASE {name_of_database} SET default_transaction_read_only = on"),
        &[],
    )
    .await?;
    let inventory = Inventory::open(&database.url).await?;
    let error = name(inventory.acquire(&request()).await);
    // As while another server takes its place.
    assert!(error.starts_with("unavailable: "), "{error}");
    assert!(error.contains("cannot be written to"), "{error}");
    assert!(inventory.jobs(&JobsQuery::default()).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_user_without_rights_is_told_what_is_missing() -> Result<()> {
    let database = postgres().await?;
    prepare(&database).await?;
    let connection = database.connection.as_ref();
    let role = format!("reader_{}", std::process::id());
    execute(
        connection,
        &format!("CREATE ROLE {role} LOGIN PASSWORD 'reader'"),
        &[],
    )
    .await?;
    execute(
        connection,
        &format!("GRANT SELECT, INSERT, UPDATE ON inventory TO {role}"),
        &[],
    )
    .await?;
    let server = server_address(&database.url)?;
    let (_, path) = database.url.rsplit_once(&server).context("a path")?;
    let url = format!("postgres://{role}:reader@{server}{path}");
    let inventory = Inventory::open(&url).await?;
    let error = name(inventory.acquire(&request()).await);
    assert!(
        error.contains("\"files\"") && error.contains("grant SELECT"),
        "{error}"
    );

    execute(connection, &format!("GRANT SELECT ON files TO {role}"), &[]).await?;
    assert_eq!(batch(inventory.acquire(&request()).await?)?.id_start, 1);
    Ok(())
}

#[tokio::test]
async fn a_mysql_user_without_rights_is_told_what_is_missing() -> Result<()> {
    let database = mysql().await?;
    prepare(&database).await?;
    let connection = database.connection.as_ref();
    let user = format!("reader_{}", std::process::id());
    for statement in [
        format!("CREATE USER {user} IDENTIFIED BY 'reader'"),
        format!("GRANT SELECT, INSERT, UPDATE ON inventory TO {user}"),
    ] {
        execute(connection, &statement, &[]).await?;
    }
    let server = server_address(&database.url)?;
    let (_, path) = database.url.rsplit_once(&server).context("a path")?;
    let url = format!("mysql://{user}:reader@{server}{path}");
    let inventory = Inventory::open(&url).await?;
    let error = name(inventory.acquire(&request()).await);
    assert!(
        error.contains("\"files\"") && error.contains("grant SELECT"),
        "{error}"
    );

    execute(connection, &format!("GRANT SELECT ON files TO {user}"), &[]).await?;
    assert_eq!(batch(inventory.acquire(&request()).await?)?.id_start, 1);

    let wrong = url.replace(":reader@", ":hunter2@");
    let error = name(Inventory::open(&wrong).await);
    assert!(
        error.contains("check the user's name and password"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    Ok(())
}

async fn migrate_at_once(database: TestDatabase) -> Result<()> {
    let inventories: Vec<Inventory> = {
        let mut inventories = Vec::new();
        for _ in 0..8 {
            inventories.push(Inventory::open(&database.url).await?);
        }
        inventories
    };
    let migrations = inventories.iter().map(Inventory::migrate);
    for migration in futures::future::join_all(migrations).await {
        migration?;
    }
    Ok(())
}

#[tokio::test]
async fn many_processes_may_migrate_at_once_on_postgresql() -> Result<()> {
    migrate_at_once(postgres().await?).await
}

#[tokio::test]
async fn many_processes_may_migrate_at_once_on_mysql() -> Result<()> {
    migrate_at_once(mysql().await?).await
}

#[tokio::test]
async fn a_table_that_is_no_inventory_is_not_touched() -> Result<()> {
    for database in [sqlite().await?, postgres().await?, mysql().await?] {
        execute(
            database.connection.as_ref(),
            "CREATE TABLE inventory (id bigint, job text)",
            &[],
        )
        .await?;
        let inventory = Inventory::open(&database.url).await?;
        let error = name(inventory.migrate().await);
        assert!(error.starts_with("no-such-column: "), "{error}");
        assert!(error.contains("no inventory of this version"), "{error}");
    }
    Ok(())
}
