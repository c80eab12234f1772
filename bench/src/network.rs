//! A database that is not near: what a batch takes when every byte travels for five milliseconds each way.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use batchintory_wasmtime::{Access, Inventory, connect};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_postgres::config::Host;

use crate::python::pybatchintory;
use crate::report::{Bar, Report};
use crate::tables::{Server, connected};
use crate::timing::{Rounds, Samples};
use crate::turns::end_and_next;

/// How long bytes travel each way.
const DELAY: Duration = Duration::from_millis(5);

/// The inventory's database where it is apart from the meta tables.
const INVENTORY_DATABASE: &str = "batchintory_far";

/// Measures.
pub async fn measure(
    server: &Server,
    python: &Path,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    let far = far_url(&server.url).await?;
    let (authority, _) = far.rsplit_once('/').unwrap_or((&far, ""));
    for statement in [
        &format!("DROP DATABASE IF EXISTS {INVENTORY_DATABASE}"),
        &format!("CREATE DATABASE {INVENTORY_DATABASE}"),
    ] {
        server.client.batch_execute(statement).await?;
    }
    let one = Inventory::open(&far).await?;
    let inventory_url = format!("{authority}/{INVENTORY_DATABASE}");
    let two = Inventory::builder()
        .inventory(connect(&inventory_url, Access::ReadWrite).await?)
        .meta(connect(&far, Access::ReadOnly).await?)
        .build()?;
    for (key, inventory) in [
        ("network_one_database_ms", &one),
        ("network_two_databases_ms", &two),
    ] {
        inventory.migrate().await?;
        let mut turns = Samples::default();
        let mut done = None;
        for _ in 0..rounds.far {
            let start = Instant::now();
            done = Some(end_and_next(inventory, "files_1m", key, done).await?);
            turns.add_since(start);
        }
        report.add(key, turns.median() * 1e3, Bar::None);
    }
    let far = Server {
        url: far,
        client: connected(&server.url).await?,
    };
    let theirs = pybatchintory(&far, python, "files_10k", rounds.far.min(60)).await?;
    report.add(
        "network_pybatchintory_10k_ms",
        theirs.median() * 1e3,
        Bar::None,
    );
    Ok(())
}

/// The same server's URL by way of a proxy that delays what it passes on.
async fn far_url(url: &str) -> Result<String> {
    let config: tokio_postgres::Config = url.parse()?;
    let (Some(Host::Tcp(host)), Some(port)) =
        (config.get_hosts().first(), config.get_ports().first())
    else {
        bail!("the server must be named by host and port");
    };
    let near = format!("{host}:{port}");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let far = listener.local_addr()?.to_string();
    let proxied = url.replace(&near, &far);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let near = near.clone();
            tokio::spawn(async move {
                let server = TcpStream::connect(near).await.context("the server")?;
                client.set_nodelay(true)?;
                server.set_nodelay(true)?;
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::try_join!(
                    pass_on(from_client, to_server),
                    pass_on(from_server, to_client)
                )?;
                anyhow::Ok(())
            });
        }
    });
    Ok(proxied)
}

/// Passes bytes on in their order, each five milliseconds after it came.
async fn pass_on(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin,
) -> Result<()> {
    let (sender, mut travelling) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            let arrival = tokio::time::Instant::now() + DELAY;
            let Some(part) = bytes.get(..length) else {
                break;
            };
            if sender.send((arrival, part.to_vec())).is_err() {
                break;
            }
        }
    });
    while let Some((arrival, part)) = travelling.recv().await {
        sleep_until(arrival).await;
        to.write_all(&part).await?;
    }
    to.shutdown().await?;
    Ok(())
}
