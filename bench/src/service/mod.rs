//! The HTTP service under load, beside one as it is written by hand with axum and tokio-postgres: the
//! planner's very statements, prepared, as many connections, and claims of a job one after the other in both.
//!
//! Each service is a process of its own, as users have it; the clients are in this one.

mod by_hand;
pub mod client;
mod recorded;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_wasmtime::Inventory;
use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::claims::{Ours, claim, request};
use crate::report::{Bar, Report};
use crate::tables::Server;
use crate::timing::{Rounds, Samples};
use client::{Connection, Load, TOKEN};

/// A table that no run comes to the end of.
const TABLE: &str = "files_5m";
/// How many clients call at once.
const CLIENTS: usize = 64;
/// How many jobs they share.
const JOBS: usize = 8;

/// A service, in a process of its own. Prints where it listens.
#[derive(Args)]
pub struct Service {
    #[arg(long)]
    postgres: String,
    /// The one that was written by hand.
    #[arg(long)]
    by_hand: bool,
}

impl Service {
    /// Serves until it is killed.
    pub async fn run(self) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        if self.by_hand {
            let service = by_hand::service(&self.postgres, TABLE).await?;
            println!("{address}");
            axum::serve(listener, service).await?;
            return Ok(());
        }
        let inventory = Inventory::open(&self.postgres).await?;
        inventory.migrate().await?;
        let settings = ServiceSettings {
            api_token: Some(TOKEN.into()),
            ..ServiceSettings::default()
        };
        let service = HttpService::embedded(inventory.databases(), settings)?;
        println!("{address}");
        service.serve(listener, std::future::pending()).await?;
        Ok(())
    }
}

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    instances(server, rounds, report).await?;
    load(server, rounds, report).await
}

/// What a request costs that needs no database: an instance and HTTP, back and forth.
async fn instances(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    let service = Running::start(server, false).await?;
    let mut connection = Connection::open(&service.address).await?;
    let mut calls = Samples::default();
    for _ in 0..rounds.calls {
        let start = Instant::now();
        ensure!(
            connection.get("/nothing").await? == 404,
            "the service has a page that it should not have"
        );
        calls.add_since(start);
    }
    let bar = Bar::AtMost(1_000.0);
    report.add(
        "service_request_without_database_us",
        calls.median() * 1e6,
        bar,
    );
    Ok(())
}

/// Many clients, for a while, against each service in turn.
async fn load(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    let hand = Running::start(server, true).await?;
    let ours = Running::start(server, false).await?;
    let inventory = Inventory::open(&server.url).await?;
    let (mut by_hand, mut served) = (Load::default(), Load::default());
    let mut memory = Vec::new();
    for turn in 0..rounds.service_turns {
        for (service, load, kind) in [(&hand, &mut by_hand, "hand"), (&ours, &mut served, "ours")] {
            let jobs: Vec<String> = (0..JOBS)
                .map(|job| format!("service {kind} {turn}-{job}"))
                .collect();
            // A job's first claim is made otherwise, which the hand-written service cannot.
            for job in &jobs {
                claim(&inventory, &request(TABLE, job), &mut Ours::default()).await?;
            }
            load.run(&service.address, TABLE, &jobs, CLIENTS, rounds.service_time)
                .await?;
        }
        memory.push(ours.memory_bytes()?);
    }
    check(server, served.items).await?;
    report.add("service_requests_per_second", served.rate(), Bar::None);
    report.add(
        "service_axum_requests_per_second",
        by_hand.rate(),
        Bar::None,
    );
    report.add("service_acquire_p99_ms", served.p99() * 1e3, Bar::None);
    report.add(
        "service_axum_acquire_p99_ms",
        by_hand.p99() * 1e3,
        Bar::None,
    );
    report.add(
        "service_over_axum",
        served.rate() / by_hand.rate(),
        Bar::AtLeast(0.9),
    );
    let (first, last) = (memory.first(), memory.last());
    if let (Some(&first), Some(&last)) = (first, last) {
        report.add("service_memory_bytes", last, Bar::None);
        report.add("service_memory_growth", last / first, Bar::AtMost(1.1));
    }
    Ok(())
}

/// No overlap, no gap: each job's ranges follow each other, and hold what the clients were told.
async fn check(server: &Server, items: u64) -> Result<()> {
    let row = server
        .client
        .query_one(
            "SELECT count(*) FILTER (WHERE batch_id_start <> coalesce(before, 0) + 1), \
                 CAST(coalesce(sum(batch_count), 0) AS bigint), \
                 CAST(coalesce(sum(batch_id_end - batch_id_start + 1), 0) AS bigint) \
             FROM (SELECT *, lag(batch_id_end) OVER (PARTITION BY job ORDER BY batch_id_end) AS before \
                   FROM inventory WHERE job LIKE 'service ours %') AS ranges",
            &[],
        )
        .await?;
    let (torn, counted, spanned): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    ensure!(torn == 0, "{torn} ranges do not follow the one before");
    ensure!(
        counted == spanned && counted >= i64::try_from(items)?,
        "{counted} items in ranges of {spanned} ids; clients were given {items}"
    );
    Ok(())
}

/// A service's process.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    async fn start(server: &Server, by_hand: bool) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["service", "--postgres", &server.url]);
        if by_hand {
            command.arg("--by-hand");
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().context("its standard output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).await?;
        Ok(Self {
            child,
            address: address.trim_end().to_owned(),
        })
    }

    /// How much memory it has, where the system tells.
    #[allow(clippy::cast_precision_loss)]
    fn memory_bytes(&self) -> Result<f64> {
        let process = self.child.id().context("the service has ended")?;
        let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
            return Ok(f64::NAN);
        };
        let kibibytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse::<u64>().ok())
            .context("no VmRSS")?;
        Ok((kibibytes * 1024) as f64)
    }
}

/// The time that is left until an instant.
fn until(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}
