//! Requests that wait for a batch (`Prefer: wait`): woken by rows that come, and answered when the service ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_tests::recording::Recording;
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, postgres};
use batchintory_wasmtime::Inventory;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const TOKEN: &str = "a-token-of-the-tests";

/// As good as for ever: nobody is woken by the clock.
const POLL: Duration = Duration::from_secs(100_000);

/// A service over a database whose table `files` has no rows, and tells of those that come.
struct Service {
    recording: Arc<Recording>,
    address: String,
    /// Ends it when it is dropped.
    end: oneshot::Sender<()>,
    serving: JoinHandle<Result<()>>,
}

impl Service {
    async fn start(database: &TestDatabase) -> Result<Self> {
        let connection = database.connection.as_ref();
        Table::of_items(0).create(connection).await?;
        let recording = Recording::new(database.connection.clone());
        let inventory = Inventory::builder().inventory(recording.clone()).build()?;
        inventory.migrate().await?;
        let channel = inventory.notifications("files").await?;
        for statement in channel.into_iter().flat_map(|channel| channel.statements) {
            execute(connection, &statement, &[]).await?;
        }
        let settings = ServiceSettings {
            api_token: Some(TOKEN.into()),
            ..ServiceSettings::default()
        };
        let service = HttpService::embedded(inventory.databases(), settings)?.with_poll(POLL);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let end = async { drop(ended.await) };
            Ok(service.serve(listener, end).await?)
        });
        Ok(Self {
            recording,
            address,
            end,
            serving,
        })
    }

    /// A claim that may wait for a minute, and its answer once it comes.
    fn claim(&self) -> JoinHandle<Result<String>> {
        let address = self.address.clone();
        tokio::spawn(async move {
            let body = r#"{"meta_table": "files", "max_count": 10}"#;
            let mut stream = TcpStream::connect(address).await?;
            let request = format!(
                "POST /v1/jobs/job/batches HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\nPrefer: wait=60\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(answer)
        })
    }

    /// Waits until the inventory was asked twice: once before the service began to listen, and once after. By the clock
    /// alone, the second time would be the last.
    async fn listens(&self) {
        let mut asked = 0;
        while asked < 2 {
            let statements = self.recording.take();
            asked += (statements.iter())
                .filter(|statement| statement.starts_with("WITH standing"))
                .count();
            sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_wake_a_request_that_waits() -> Result<()> {
    let database = postgres().await?;
    let service = Service::start(&database).await?;
    let waits = service.claim();
    service.listens().await;
    let insert = "INSERT INTO files VALUES (1, 'a', 1)";
    execute(database.connection.as_ref(), insert, &[]).await?;
    let answer = waits.await??;
    ensure!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    ensure!(answer.contains("preference-applied: wait=60"), "{answer}");
    ensure!(!answer.contains("batchintory-channel"), "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_answers_whoever_waits() -> Result<()> {
    let database = postgres().await?;
    let service = Service::start(&database).await?;
    let waits = service.claim();
    service.listens().await;
    drop(service.end);
    let answer = waits.await??;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    ensure!(answer.contains("caught-up"), "{answer}");
    service.serving.await?
}
