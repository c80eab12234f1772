//! A client that goes away ends its statement, and so does the service's time limit: nothing works on for
//! nobody, and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use batchintory::{AcquireRequest, Acquisition, Operations as _, Value};
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_tests::proxy::Proxy;
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{HttpSubject, TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Access, Database, Inventory, connect};
use mysql_async::prelude::Queryable as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::NoTls;

use crate::faults::server_address;

pub(crate) const TOKEN: &str = "a-token-of-the-tests";

/// As good as for ever.
const LONG: Duration = Duration::from_secs(100_000);

/// How long is waited for what is to come, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(300);

/// A service over the database, with three items and an inventory; its `host:port`.
async fn serve(database: &TestDatabase, statement_timeout: Duration) -> Result<String> {
    Table::of_items(3)
        .create(database.connection.as_ref())
        .await?;
    let inventory = Inventory::open(&database.url).await?;
    inventory.migrate().await?;
    let settings = ServiceSettings {
        api_token: Some(TOKEN.into()),
        ..ServiceSettings::default()
    };
    let service = HttpService::embedded(inventory.databases(), settings)?
        .with_statement_timeout(statement_timeout);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(service.serve(listener, std::future::pending()));
    Ok(address)
}

/// A claim that was sent, and whose answer is not read.
pub(crate) async fn claim(address: &str, job: &str, meta_table: &str) -> Result<TcpStream> {
    let body = format!(r#"{{"meta_table": "{meta_table}"}}"#);
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /v1/jobs/{job}/batches HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// Waits until a query of one number gives this one.
pub(crate) async fn wait_for(
    database: &Arc<dyn Database>,
    question: &str,
    expected: i64,
) -> Result<()> {
    let asked = async {
        loop {
            let answer = database.query(question, &[]).await;
            let rows = answer.map_err(|error| anyhow!("{error:?}"))?.rows;
            if rows == [[Value::Int64(expected)]] {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, asked).await;
    waited.with_context(|| format!("not {expected}: {question}"))?
}

/// All items are still there to be claimed.
pub(crate) async fn claims_all(address: &str) -> Result<()> {
    let subject = HttpSubject::new(format!("http://{address}"), TOKEN);
    let request = AcquireRequest::new("files", "job");
    let acquired = subject.acquire(request, None).await?;
    let Acquisition::Batch(batch) = &acquired else {
        bail!("{acquired:?}");
    };
    ensure!(batch.count == 3, "{batch:?}");
    Ok(())
}

/// How many sessions of the database wait for a lock.
pub(crate) const WAITING_ON_POSTGRES: &str = "SELECT count(*) FROM pg_stat_activity \
     WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// A session of PostgreSQL that keeps others from the meta table.
pub(crate) async fn lock_on_postgres(database: &TestDatabase) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await?;
    tokio::spawn(connection);
    (client.batch_execute("BEGIN; LOCK TABLE files IN ACCESS EXCLUSIVE MODE")).await?;
    Ok(client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_statement_on_postgresql() -> Result<()> {
    let database = postgres().await?;
    let address = serve(&database, LONG).await?;
    let lock = lock_on_postgres(&database).await?;
    let client = claim(&address, "job", "files").await?;
    wait_for(&database.connection, WAITING_ON_POSTGRES, 1).await?;
    drop(client);
    wait_for(&database.connection, WAITING_ON_POSTGRES, 0).await?;
    lock.batch_execute("COMMIT").await?;
    claims_all(&address).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_ended_on_postgresql() -> Result<()> {
    let database = postgres().await?;
    let address = serve(&database, Duration::from_millis(500)).await?;
    let lock = lock_on_postgres(&database).await?;
    let mut client = claim(&address, "job", "files").await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    ensure!(answer.contains("statement"), "{answer}");
    wait_for(&database.connection, WAITING_ON_POSTGRES, 0).await?;
    lock.batch_execute("COMMIT").await?;
    claims_all(&address).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_statement_on_mysql() -> Result<()> {
    const WAITING: &str = "SELECT count(*) FROM information_schema.processlist \
         WHERE db = database() AND state LIKE 'Waiting for%lock'";
    let database = mysql().await?;
    let address = serve(&database, LONG).await?;
    let url = database.url.split('?').next().unwrap_or_default();
    let mut lock = mysql_async::Conn::from_url(url).await?;
    lock.query_drop("LOCK TABLES files WRITE").await?;
    let client = claim(&address, "job", "files").await?;
    wait_for(&database.connection, WAITING, 1).await?;
    drop(client);
    wait_for(&database.connection, WAITING, 0).await?;
    lock.query_drop("UNLOCK TABLES").await?;
    claims_all(&address).await
}

/// There, one statement runs at a time: so whoever comes next is served only once the first has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_statement_on_sqlite() -> Result<()> {
    let database = sqlite().await?;
    let address = serve(&database, LONG).await?;
    let endless = "CREATE VIEW endless AS WITH RECURSIVE numbers(uid) AS \
        (SELECT 1 UNION ALL SELECT uid + 1 FROM numbers) \
        SELECT uid, 'x' AS item, 1.0 AS weight FROM numbers WHERE uid < 0";
    execute(database.connection.as_ref(), endless, &[]).await?;
    let client = claim(&address, "other", "endless").await?;
    // Until it runs, others are answered at once.
    let probes = async {
        loop {
            let mut probe = claim(&address, "job", "no_such_table").await?;
            let answer = tokio::time::timeout(Duration::from_secs(1), probe.read_u8()).await;
            if answer.is_err() {
                return anyhow::Ok(());
            }
        }
    };
    (tokio::time::timeout(PATIENCE, probes).await).context("it has ended by itself")??;
    drop(client);
    let served = tokio::time::timeout(PATIENCE, claims_all(&address)).await;
    served.context("the statement goes on")?
}

/// A statement that is given up before the server has heard of it ends, too. `session` selects the session's
/// number, `sessions` counts those of this number, and `work` takes a while for each of a
/// number.
async fn given_up_before_it_begins(
    database: TestDatabase,
    session: &str,
    sessions: impl Fn(i64) -> String,
    work: &'static str,
) -> Result<()> {
    let server = server_address(&database.url)?;
    let proxy = Proxy::before(server.clone()).await?;
    let url = database.url.replace(&server, &proxy.address.to_string());
    let through_proxy = connect(&url, Access::ReadWrite).await?;
    let answer = through_proxy.query(session, &[]).await;
    let rows = answer.map_err(|error| anyhow!("{error:?}"))?.rows;
    let Some([Value::Int64(number)]) = rows.first().map(Vec::as_slice) else {
        bail!("{rows:?}");
    };
    let sessions = sessions(*number);
    wait_for(&database.connection, &sessions, 1).await?;
    // From now on it is prepared where statements are: what is held back is its execution.
    let answer = through_proxy.query(work, &[Value::Int64(0)]).await;
    answer.map_err(|error| anyhow!("{error:?}"))?;

    proxy.hold();
    let before = proxy.ended();
    let given_up = tokio::spawn(async move {
        let endless = [Value::Int64(1_000_000_000_000)];
        through_proxy.query(work, &endless).await
    });
    proxy.until_held().await;
    given_up.abort();
    // Its end is asked for by a connection of its own.
    while proxy.ended() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    proxy.release();
    wait_for(&database.connection, &sessions, 0).await
}

#[tokio::test]
async fn a_statement_that_is_given_up_before_it_begins_ends_on_postgresql() -> Result<()> {
    given_up_before_it_begins(
        postgres().await?,
        "SELECT CAST(pg_backend_pid() AS bigint)",
        |pid| format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"),
        "SELECT CAST(pg_sleep(CAST($1 AS bigint)) AS text)",
    )
    .await
}

#[tokio::test]
async fn a_statement_that_is_given_up_before_it_begins_ends_on_mysql() -> Result<()> {
    given_up_before_it_begins(
        mysql().await?,
        "SELECT CAST(connection_id() AS signed)",
        |id| format!("SELECT count(*) FROM information_schema.processlist WHERE id = {id}"),
        "SELECT CAST(benchmark(?, sha2('x', 512)) AS signed)",
    )
    .await
}
