//! Every scenario, on the component that `spin.toml` names.
#![allow(missing_docs)]

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use batchintory_spin_host::up;
use batchintory_tests::{Call, HttpSubject, Scenario, Subject, TestDatabase, postgres, sqlite};
use tokio::process::{Child, Command};

const TOKEN: &str = "secret";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The variables that a user sets for a database on a server.
fn variables(url: Option<&str>) -> Result<HashMap<String, String>> {
    let mut variables: HashMap<_, _> = [("api_token", TOKEN), ("protect_reads", "true")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    if let Some(url) = url {
        let parsed = url::Url::parse(url)?;
        let host = parsed.host_str().context("the server's host")?;
        let port = parsed.port().unwrap_or(5432);
        variables.insert("inventory_url".into(), url.into());
        variables.insert("inventory_host".into(), format!("{host}:{port}"));
    }
    Ok(variables)
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
    async fn serve(self, database: &TestDatabase) -> Result<Service> {
        let (set, file) = match database.url.strip_prefix("sqlite:") {
            Some(file) => (variables(None)?, file.into()),
            None => (variables(Some(&database.url))?, PathBuf::new()),
        };
        match self {
            Host::Own => Ok(Service {
                subject: HttpSubject::new(up(&root().join("spin.toml"), set, file).await?, TOKEN),
                _process: None,
            }),
            Host::Spin(program) => spin_up(program, set, &file).await,
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

async fn run_all(host: Host<'_>, database: impl AsyncFn() -> Result<TestDatabase>) -> Result<()> {
    let scenarios = Scenario::read_all(&root().join("tests/scenarios"))?;
    ensure!(!scenarios.is_empty(), "no scenarios");
    let mut failed = Vec::new();
    for (name, scenario) in &scenarios {
        let database = database().await?;
        let service = host.serve(&database).await?;
        let connection = database.connection.as_ref();
        let outcome = scenario.run(&service.subject, connection, connection).await;
        if let Err(error) = outcome {
            failed.push(format!("scenario {name}: {error:?}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    Ok(())
}

#[tokio::test]
async fn on_spins_sqlite() -> Result<()> {
    run_all(Host::Own, sqlite).await
}

#[tokio::test]
async fn on_postgresql() -> Result<()> {
    run_all(Host::Own, postgres).await
}

#[tokio::test]
async fn on_spin_itself_where_it_is_installed() -> Result<()> {
    let Ok(spin) = which::which("spin") else {
        eprintln!("there is no `spin` on the PATH: not tested on Spin itself");
        return Ok(());
    };
    run_all(Host::Spin(&spin), sqlite).await?;
    run_all(Host::Spin(&spin), postgres).await
}

#[tokio::test]
async fn a_host_that_the_variables_do_not_name_is_not_reached() -> Result<()> {
    let database = postgres().await?;
    let mut set = variables(Some(&database.url))?;
    set.insert("inventory_host".into(), "elsewhere:5432".into());
    let url = up(&root().join("spin.toml"), set, PathBuf::new()).await?;
    let refused = HttpSubject::new(url, TOKEN).call(Call::Jobs {}).await;
    let error = refused.err().context("it must not be reached")?;
    ensure!(error.name == "unavailable", "{error:?}");
    ensure!(!error.message.contains("postgres://"), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn variables_that_make_no_sense_are_told_without_their_value() -> Result<()> {
    let mut set = variables(None)?;
    set.insert("inventory_url".into(), "mysql://me:hidden@host".into());
    let url = up(&root().join("spin.toml"), set, PathBuf::new()).await?;
    let refused = HttpSubject::new(url, TOKEN).call(Call::Jobs {}).await;
    let error = refused.err().context("it must be refused")?;
    ensure!(error.name == "misconfigured", "{error:?}");
    ensure!(error.message.contains("inventory_url"), "{error:?}");
    ensure!(!error.message.contains("hidden"), "{error:?}");
    Ok(())
}
