//! Every scenario, on the component that `spin.toml` names.
#![allow(missing_docs)]

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use batchintory::AcquireRequest;
use batchintory_spin_host::up;
use batchintory_tests::proxy::Proxy;
use batchintory_tests::tables::{Series, Table};
use batchintory_tests::{Call, HttpSubject, Scenario, Subject, TestDatabase, postgres, sqlite};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

const TOKEN: &str = "secret";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The variables that a user sets.
fn variables() -> HashMap<String, String> {
    [("api_token", TOKEN), ("protect_reads", "true")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Adds those that say where the inventory, or the meta tables, are.
fn on_server(set: &mut HashMap<String, String>, which: &str, url: &str) -> Result<()> {
    let parsed = url::Url::parse(url)?;
    let host = parsed.host_str().context("the server's host")?;
    let port = parsed.port().unwrap_or(5432);
    set.insert(format!("{which}_url"), url.into());
    set.insert(format!("{which}_host"), format!("{host}:{port}"));
    Ok(())
}

/// What serves the component.
#[derive(Clone, Copy)]
enum Host<'a> {
    /// The one of these tests.
    Own,
    /// Spin, by its program.
    Spin(&'a Path),
}

/// A service that runs, with Spin's process where it is Spin.
struct Service {
    subject: HttpSubject,
    _process: Option<Child>,
}

impl Host<'_> {
    /// Serves with the inventory in this database, and the meta tables in that one where it is another.
    async fn serve(self, inventory: &TestDatabase, meta: Option<&TestDatabase>) -> Result<Service> {
        let mut set = variables();
        let mut sqlite = PathBuf::new();
        for (which, database) in [("inventory", Some(inventory)), ("meta", meta)] {
            match database.map(|database| (database, database.url.strip_prefix("sqlite:"))) {
                Some((_, Some(file))) => sqlite = file.into(),
                Some((database, None)) => on_server(&mut set, which, &database.url)?,
                None => {}
            }
        }
        match self {
            Host::Own => Ok(Service {
                subject: HttpSubject::new(up(&root().join("spin.toml"), set, sqlite).await?, TOKEN),
                _process: None,
            }),
            Host::Spin(program) => spin_up(program, set, &sqlite).await,
        }
    }
}

/// Starts Spin and waits until it answers.
async fn spin_up(
    program: &Path,
    variables: HashMap<String, String>,
    sqlite: &Path,
) -> Result<Service> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    command
        .args(["up", "--quiet", "--listen", &address, "--from"])
        .arg(root().join("spin.toml"))
        .kill_on_drop(true);
    // Spin keeps the database `default` under this name in its folder of states.
    if let Some(folder) = sqlite
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::os::unix::fs::symlink(sqlite, folder.join("sqlite_db.db"))?;
        command.arg("--state-dir").arg(folder);
    }
    for (name, value) in variables {
        command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
    }
    let mut process = command.spawn()?;
    let subject = HttpSubject::new(format!("http://{address}"), TOKEN);
    loop {
        let answer = subject.call(Call::Jobs {}).await;
        // Until it listens, what fails is the test's own connection.
        if answer.err().is_none_or(|error| error.name != "test") {
            break;
        }
        ensure!(process.try_wait()?.is_none(), "spin up has ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Service {
        subject,
        _process: Some(process),
    })
}

/// Runs every scenario. Without a database of its own, the inventory lies beside the meta tables.
async fn run_all(
    host: Host<'_>,
    inventory: Option<impl AsyncFn() -> Result<TestDatabase>>,
    meta: impl AsyncFn() -> Result<TestDatabase>,
) -> Result<()> {
    let scenarios = Scenario::read_all(&root().join("tests/scenarios"))?;
    ensure!(!scenarios.is_empty(), "no scenarios");
    let mut failed = Vec::new();
    for (name, scenario) in &scenarios {
        let meta = meta().await?;
        let own = match &inventory {
            Some(inventory) => Some(inventory().await?),
            None => None,
        };
        let (inventory, apart) = match &own {
            Some(own) => (own, Some(&meta)),
            None => (&meta, None),
        };
        let service = host.serve(inventory, apart).await?;
        let outcome = (scenario)
            .run(
                &service.subject,
                inventory.connection.as_ref(),
                meta.connection.as_ref(),
            )
            .await;
        if let Err(error) = outcome {
            failed.push(format!("scenario {name}: {error:?}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    Ok(())
}

const BESIDE: Option<fn() -> std::future::Ready<Result<TestDatabase>>> = None;

#[tokio::test]
async fn on_spins_sqlite() -> Result<()> {
    run_all(Host::Own, BESIDE, sqlite).await
}

#[tokio::test]
async fn on_postgresql() -> Result<()> {
    run_all(Host::Own, BESIDE, postgres).await
}

#[tokio::test]
async fn on_postgresql_with_the_inventory_in_spins_sqlite() -> Result<()> {
    run_all(Host::Own, Some(sqlite), postgres).await
}

#[tokio::test]
async fn on_two_postgresql_databases() -> Result<()> {
    run_all(Host::Own, Some(postgres), postgres).await
}

#[tokio::test]
async fn on_spin_itself_where_it_is_installed() -> Result<()> {
    let Ok(spin) = which::which("spin") else {
        eprintln!("there is no `spin` on the PATH: not tested on Spin itself");
        return Ok(());
    };
    run_all(Host::Spin(&spin), BESIDE, sqlite).await?;
    run_all(Host::Spin(&spin), BESIDE, postgres).await
}

/// Many clients at once do one job: no item twice, none left out. Gives back how often they had to ask
/// again, since the database could not be reached.
async fn race(database: TestDatabase) -> Result<u32> {
    const CLIENTS: usize = 8;
    const ITEMS: i64 = 400;
    let items = Series {
        from: 1,
        to: ITEMS,
        weight: 1.0,
    };
    let files = Table {
        series: Some(items),
        ..Table::files(Vec::new())
    };
    files.create(database.connection.as_ref()).await?;
    let service = Host::Own.serve(&database, None).await?;
    let subject = &service.subject;
    persistently(subject, || Call::Migrate {}).await?;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(work(subject.clone(), client));
    }
    let mut repeated = 0;
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    while let Some(client) = clients.join_next().await {
        let (its_ranges, its_repeated) = client??;
        ranges.extend(its_ranges);
        repeated += its_repeated;
    }
    ranges.sort_unstable();
    let ids: Vec<i64> = ranges
        .iter()
        .flat_map(|(start, end)| *start..=*end)
        .collect();
    ensure!(ids == (1..=ITEMS).collect::<Vec<_>>(), "{ranges:?}");
    Ok(repeated)
}

/// Acquires batches until none is left, each by a token of its own, so that asking again is safe.
async fn work(subject: HttpSubject, client: usize) -> Result<(Vec<(i64, i64)>, u32)> {
    let mut repeated = 0;
    let mut ranges = Vec::new();
    loop {
        let call = || Call::AcquireWithToken {
            request: AcquireRequest {
                max_count: Some(5),
                ..AcquireRequest::new("files", "job")
            },
            claim_token: format!("client-{client}-{}", ranges.len()),
        };
        let (acquired, again) = persistently(&subject, call).await?;
        repeated += again;
        let Some(batch) = acquired.get("batch") else {
            return Ok((ranges, repeated));
        };
        let id = |name| batch.get(name).and_then(Value::as_i64).context("an id");
        ranges.push((id("id_start")?, id("id_end")?));
    }
}

/// Calls until the database is reached. Gives back how often it was called again, too.
async fn persistently(subject: &HttpSubject, call: impl Fn() -> Call) -> Result<(Value, u32)> {
    for again in 0..1_000 {
        match subject.call(call()).await {
            Ok(answer) => return Ok((answer, again)),
            Err(failure) if failure.name == "unavailable" => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(failure) => bail!("{failure:?}"),
        }
    }
    bail!("the database was never reached")
}

#[tokio::test]
async fn clients_that_race_share_a_job_on_spins_sqlite() -> Result<()> {
    ensure!(
        race(sqlite().await?).await? == 0,
        "a file is always reached"
    );
    Ok(())
}

#[tokio::test]
async fn clients_that_race_share_a_job_on_postgresql() -> Result<()> {
    ensure!(race(postgres().await?).await? == 0, "it is always reached");
    Ok(())
}

#[tokio::test]
async fn clients_that_race_share_a_job_while_connections_are_cut() -> Result<()> {
    let mut database = postgres().await?;
    let mut url = url::Url::parse(&database.url)?;
    let server = format!(
        "{}:{}",
        url.host_str().context("the server's host")?,
        url.port().unwrap_or(5432)
    );
    let proxy = Proxy::before(server).await?;
    url.set_ip_host(proxy.address.ip())
        .and_then(|()| url.set_port(Some(proxy.address.port())))
        .map_err(|()| anyhow!("the proxy's address does not fit into {url}"))?;
    database.url = url.into();
    let villain = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(40)).await;
            proxy.cut();
            tokio::time::sleep(Duration::from_millis(10)).await;
            proxy.heal();
        }
    });
    let repeated = race(database).await?;
    villain.abort();
    ensure!(repeated > 0, "nothing was cut");
    Ok(())
}

#[tokio::test]
async fn a_host_that_the_variables_do_not_name_is_not_reached() -> Result<()> {
    let database = postgres().await?;
    let mut set = variables();
    on_server(&mut set, "inventory", &database.url)?;
    set.insert("inventory_host".into(), "elsewhere:5432".into());
    let url = up(&root().join("spin.toml"), set, PathBuf::new()).await?;
    let refused = HttpSubject::new(url, TOKEN).call(Call::Jobs {}).await;
    let error = refused.err().context("it must not be reached")?;
    ensure!(error.name == "unavailable", "{error:?}");
    ensure!(error.message.contains("inventory_host"), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn variables_that_make_no_sense_are_told_without_their_value() -> Result<()> {
    let mut set = variables();
    set.insert("inventory_url".into(), "mysql://me:hidden@host".into());
    let url = up(&root().join("spin.toml"), set, PathBuf::new()).await?;
    let refused = HttpSubject::new(url, TOKEN).call(Call::Jobs {}).await;
    let error = refused.err().context("it must be refused")?;
    ensure!(error.name == "misconfigured", "{error:?}");
    ensure!(error.message.contains("inventory_url"), "{error:?}");
    ensure!(!error.message.contains("hidden"), "{error:?}");
    Ok(())
}
