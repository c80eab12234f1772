//! Many workers on one job: how many claims a second they make together, beside one worker alone, and how long
//! the slowest claim takes.
//!
//! Workers are processes of their own, as users have them: this very program, started with a hidden
//! command. All begin at one moment, and each goes on until its time is over.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use batchintory_wasmtime::{AcquireRequest, Acquired, Inventory};
use clap::Args;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::claims::request;
use crate::report::{Bar, Report};
use crate::tables::Server;
use crate::timing::{Rounds, median};

/// A table that no run comes to the end of.
const TABLE: &str = "files_5m";
/// How many workers share a job.
const WORKERS: usize = 16;

/// A process that claims until its time is over, and then prints how long each claim took.
#[derive(Args)]
pub struct Worker {
    #[arg(long)]
    postgres: String,
    #[arg(long)]
    job: String,
    /// Workers within this process, on one inventory.
    #[arg(long)]
    tasks: usize,
    #[arg(long)]
    milliseconds: u64,
}

impl Worker {
    /// Connects, says so, and begins as soon as it is told to.
    pub async fn run(self) -> Result<()> {
        let inventory = Inventory::open(&self.postgres).await?;
        // What is made once, at the first call, is made now.
        inventory.plan(&request(TABLE, &self.job), None, 1).await?;
        println!("ready");
        BufReader::new(tokio::io::stdin())
            .read_line(&mut String::new())
            .await?;
        let end = Instant::now() + Duration::from_millis(self.milliseconds);
        let tasks: Vec<_> = (0..self.tasks)
            .map(|_| {
                let (inventory, request) = (inventory.clone(), request(TABLE, &self.job));
                tokio::spawn(async move { claim_until(&inventory, &request, end).await })
            })
            .collect();
        let mut claims = Vec::new();
        for task in tasks {
            claims.extend(task.await??);
        }
        println!("{}", serde_json::to_string(&claims)?);
        Ok(())
    }
}

/// Gives back how many seconds each claim took.
async fn claim_until(
    inventory: &Inventory,
    request: &AcquireRequest,
    end: Instant,
) -> Result<Vec<f64>> {
    let mut claims = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let Acquired::Batch(batch) = inventory.acquire(request).await? else {
            bail!("nothing left in {TABLE}");
        };
        claims.push(start.elapsed().as_secs_f64());
        batch.succeed().await?;
    }
    Ok(claims)
}

/// Measures.
pub async fn measure(server: &Server, rounds: &Rounds, report: &mut Report) -> Result<()> {
    // It may be the only part that runs.
    Inventory::open(&server.url).await?.migrate().await?;
    let crowds = [(1, 1), (1, WORKERS), (WORKERS, 1)];
    let mut rates = crowds.map(|_| Vec::new());
    let mut together = Vec::new();
    for turn in 0..rounds.contention_turns {
        for ((processes, tasks), rates) in crowds.into_iter().zip(&mut rates) {
            let job = format!("{processes} processes with {tasks} workers, turn {turn}");
            let claims = claim_together(server, &job, processes, tasks, rounds).await?;
            #[allow(clippy::cast_precision_loss)]
            rates.push(claims.len() as f64 / rounds.contention_time.as_secs_f64());
            if processes == WORKERS {
                together.extend(claims);
            }
        }
    }
    let [alone, tasks, processes] = rates.map(median);
    report.add("claims_per_second_1_worker", alone, Bar::None);
    report.add("claims_per_second_16_tasks", tasks, Bar::None);
    report.add("claims_per_second_16_processes", processes, Bar::None);
    let bar = Bar::AtLeast(1.0);
    report.add("contention_16_tasks_over_1", tasks / alone, bar);
    report.add("contention_16_over_1", processes / alone, bar);
    let worst = together.iter().copied().fold(0.0, f64::max);
    let usual = median(together);
    report.add("contention_16_median_claim_ms", usual * 1e3, Bar::None);
    report.add(
        "contention_16_worst_over_median",
        worst / usual,
        Bar::AtMost(10.0),
    );
    Ok(())
}

/// How many seconds each claim takes of workers that claim and complete batches together.
async fn claim_together(
    server: &Server,
    job: &str,
    processes: usize,
    tasks: usize,
    rounds: &Rounds,
) -> Result<Vec<f64>> {
    let mut workers = Vec::new();
    for _ in 0..processes {
        workers.push(Running::start(server, job, tasks, rounds.contention_time)?);
    }
    for worker in &mut workers {
        ensure!(worker.line().await? == "ready", "a worker is not ready");
    }
    for worker in &mut workers {
        worker.input.write_all(b"go\n").await?;
    }
    let mut claims: Vec<f64> = Vec::new();
    for mut worker in workers {
        claims.extend(serde_json::from_str::<Vec<f64>>(&worker.line().await?)?);
        ensure!(worker.child.wait().await?.success(), "a worker failed");
    }
    Ok(claims)
}

/// A worker's process.
struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(server: &Server, job: &str, tasks: usize, time: Duration) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", "--postgres", &server.url, "--job", job])
            .args(["--tasks", &tasks.to_string()])
            .args(["--milliseconds", &time.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            input: child.stdin.take().context("its standard input")?,
            output: BufReader::new(child.stdout.take().context("its standard output")?),
            child,
        })
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).await?;
        Ok(line.trim_end().to_owned())
    }
}
