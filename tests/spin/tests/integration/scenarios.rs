//! Every scenario, on the component that `spin.toml` names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use batchintory::Operations as _;
use batchintory_spin_host::up;
use batchintory_tests::operations::Place;
use batchintory_tests::proxy::Proxy;
use batchintory_tests::suite::{self, Layout, System};
use batchintory_tests::{HttpProcess, HttpSubject, Subject, TestDatabase, postgres, race, sqlite};
use tokio::process::Command;

const TOKEN: &str = "a-very-secret-token";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The variables that a user sets.
fn variables() -> HashMap<String, String> {
    [("api_token", TOKEN)]
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

impl Host<'_> {
    /// Serves with the inventory in this database, and the meta tables in that one.
    async fn serve(self, inventory: &TestDatabase, meta: &TestDatabase) -> Result<Subject> {
        let mut set = variables();
        let mut sqlite = PathBuf::new();
        for (which, database) in [("inventory", inventory), ("meta", meta)] {
            match database.url.strip_prefix("sqlite:") {
                Some(file) => sqlite = file.into(),
                None => on_server(&mut set, which, &database.url)?,
            }
        }
        Ok(match self {
            Host::Own => Subject::Service(serve(set, sqlite).await?),
            Host::Spin(program) => Subject::ServingProcess(spin_up(program, set, &sqlite).await?),
        })
    }
}

/// Serves with the host of these tests.
async fn serve(variables: HashMap<String, String>, sqlite: PathBuf) -> Result<HttpSubject> {
    let url = up(&root().join("spin.toml"), variables, sqlite).await?;
    Ok(HttpSubject::new(url, TOKEN))
}

/// Starts Spin and waits until it answers.
async fn spin_up(
    program: &Path,
    variables: HashMap<String, String>,
    sqlite: &Path,
) -> Result<HttpProcess> {
    let folder = sqlite.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder {
        // Spin keeps the database `default` under this name in its folder of states.
        std::os::unix::fs::symlink(sqlite, folder.join("sqlite_db.db"))?;
    }
    let command = |address: &str| {
        let mut command = Command::new(program);
        command
            .args(["up", "--quiet", "--listen", address, "--from"])
            .arg(root().join("spin.toml"));
        if let Some(folder) = folder {
            command.arg("--state-dir").arg(folder);
        }
        for (name, value) in variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        command
    };
    HttpProcess::start(command, TOKEN).await
}

/// Runs every scenario.
async fn run_all(host: Host<'_>, layout: Layout) -> Result<()> {
    let name = match host {
        Host::Own => "Spin's interfaces",
        Host::Spin(_) => "Spin",
    };
    suite::run_all((name, Place::Http), layout, async |inventory, meta| {
        host.serve(inventory, meta).await
    })
    .await
}

#[tokio::test]
async fn on_spins_sqlite() -> Result<()> {
    run_all(Host::Own, Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn on_postgresql() -> Result<()> {
    run_all(Host::Own, Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn on_postgresql_with_the_inventory_in_spins_sqlite() -> Result<()> {
    let layout = Layout::Apart {
        inventory: System::Sqlite,
        meta: System::Postgres,
    };
    run_all(Host::Own, layout).await
}

#[tokio::test]
async fn on_two_postgresql_databases() -> Result<()> {
    let layout = Layout::Apart {
        inventory: System::Postgres,
        meta: System::Postgres,
    };
    run_all(Host::Own, layout).await
}

#[tokio::test]
async fn on_spin_itself_where_it_is_installed() -> Result<()> {
    let Ok(spin) = which::which("spin") else {
        eprintln!("there is no `spin` on the PATH: not tested on Spin itself");
        return Ok(());
    };
    run_all(Host::Spin(&spin), Layout::Together(System::Sqlite)).await?;
    run_all(Host::Spin(&spin), Layout::Together(System::Postgres)).await
}

async fn race(database: TestDatabase) -> Result<u32> {
    let mut set = variables();
    let file = database.url.strip_prefix("sqlite:");
    if file.is_none() {
        on_server(&mut set, "inventory", &database.url)?;
    }
    let service = serve(set, file.unwrap_or_default().into()).await?;
    race::race(&database, &service).await
}

#[tokio::test]
async fn clients_that_race_share_a_job_on_spins_sqlite() -> Result<()> {
    let database = sqlite().await?;
    ensure!(race(database).await? == 0, "a file is always reached");
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
    let proxy = Proxy::unreliable_before(server).await?;
    url.set_ip_host(proxy.address.ip())
        .and_then(|()| url.set_port(Some(proxy.address.port())))
        .map_err(|()| anyhow!("the proxy's address does not fit into {url}"))?;
    database.url = url.into();
    // By its very first connection, if by no other.
    ensure!(race(database).await? > 0, "nothing was cut");
    Ok(())
}

#[tokio::test]
async fn a_host_that_the_variables_do_not_name_is_not_reached() -> Result<()> {
    let database = postgres().await?;
    let mut set = variables();
    on_server(&mut set, "inventory", &database.url)?;
    set.insert("inventory_host".into(), "elsewhere:5432".into());
    let service = serve(set, PathBuf::new()).await?;
    let refused = service.jobs(Default::default()).await;
    let error = refused.err().context("it must not be reached")?;
    ensure!(error.name == "unavailable", "{error:?}");
    ensure!(error.message.contains("inventory_host"), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn variables_that_make_no_sense_are_told_without_their_value() -> Result<()> {
    let mut set = variables();
    set.insert("inventory_url".into(), "mysql://me:hidden@host".into());
    let service = serve(set, PathBuf::new()).await?;
    let refused = service.jobs(Default::default()).await;
    let error = refused.err().context("it must be refused")?;
    ensure!(error.name == "misconfigured", "{error:?}");
    ensure!(error.message.contains("inventory_url"), "{error:?}");
    ensure!(!error.message.contains("hidden"), "{error:?}");
    Ok(())
}
