//! Everything that takes part: the database with its pooler, the service, workers, and what they work on.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use batchintory_tests::proxy::Proxy;
use batchintory_tests::server::{OwnPostgres, PgBouncer};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::workplace::service::TOKEN;

use super::client::Client;
use super::database::JobDatabase;
use super::figures::{Figures, MOST_MEMORY_AFTER};
use super::hole::Hole;
use super::processes::{Process, free_address, program, secrets_in_logs, serve, work};
use super::small_disk::SmallDisk;

pub(super) const JOB: &str = "attack";
pub(super) const MAX_COUNT: u64 = 5;
pub(super) const MAX_ATTEMPTS: u32 = 1_000;
pub(super) const LEASE_SECONDS: u32 = 3;

/// A password that nobody asks for, and that no log must hold.
const PASSWORD: &str = "a-password-of-the-database";

/// How many workers there are behind the pooler.
const WORKERS: usize = 4;

/// How often is looked whether something has come about, and how often at most.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const MOST_LOOKS: u32 = 1_200;

// What is dropped first stands first: nobody works for a database that has gone.
pub(super) struct Scene {
    pub(super) client: Client,
    workers: Vec<Process>,
    /// The worker in a network of its own.
    distant: Option<Process>,
    service: Process,
    address: String,
    hole: Option<Hole>,
    pub(super) database: JobDatabase,
    proxy: Proxy,
    pooler: Option<PgBouncer>,
    postgres: OwnPostgres,
    disk: Option<SmallDisk>,
    folder: TempDir,
    runtime: Arc<Runtime>,
    pub(super) figures: Figures,
}

impl Scene {
    /// Sets it, with everybody at work.
    pub(super) fn set() -> Result<Self> {
        let runtime = Arc::new(Runtime::new()?);
        let folder = tempfile::tempdir()?;
        let disk = SmallDisk::mount();
        let postgres = OwnPostgres::start("read\\ committed")?;
        let url = url_of(&postgres.address());
        let database = JobDatabase::prepare(runtime.clone(), &url, disk.as_ref().ok())?;
        let pooler = PgBouncer::before(&url.parse()?)?;
        let proxy = runtime.block_on(Proxy::before(pooler.address()))?;
        let hole = Hole::dig(&runtime, proxy.address.to_string());
        let mut figures = Figures::default();
        for reason in [disk.as_ref().err(), hole.as_ref().err()] {
            figures.left_out.extend(reason.map(ToString::to_string));
        }
        let address = free_address()?;
        let service = serve(&address, &url, folder.path())?;
        let mut scene = Self {
            client: Client::start(&format!("http://{address}"))?,
            workers: Vec::new(),
            distant: None,
            service,
            address,
            hole: hole.ok(),
            database,
            proxy,
            pooler: Some(pooler),
            postgres,
            disk: disk.ok(),
            folder,
            runtime,
            figures,
        };
        scene.database.append_items();
        scene.is_in_order()?;
        Ok(scene)
    }

    pub(super) fn service_address(&self) -> &str {
        &self.address
    }

    /// Looks that the service runs, and hires workers where some have ended.
    pub(super) fn is_in_order(&mut self) -> Result<()> {
        ensure!(self.service.is_running(), "the service has ended");
        self.workers.retain_mut(Process::is_running);
        while self.workers.len() < WORKERS {
            let url = url_of(&self.proxy.address.to_string());
            let worker = work(program(), &url, self.folder.path(), self.place())?;
            self.workers.push(worker);
            self.figures.workers += 1;
        }
        let is_there = self.distant.as_mut().is_some_and(Process::is_running);
        if let Some(hole) = self.hole.as_ref().filter(|_| !is_there) {
            let (program, url) = (hole.command(program()), url_of(&hole.address));
            self.distant = Some(work(program, &url, self.folder.path(), self.place())?);
            self.figures.workers += 1;
        }
        Ok(())
    }

    /// Where workers keep what they work on.
    fn place(&self) -> &std::path::Path {
        let disk = self.disk.as_ref().map(SmallDisk::path);
        disk.unwrap_or(self.folder.path())
    }

    pub(super) fn look_at_memory(&mut self) {
        self.figures.memory = self.figures.memory.max(self.service.memory());
    }

    /// Waits until the client that behaves is served.
    pub(super) fn wait_for_client(&self) -> Result<()> {
        let before = self.client.answered();
        for _ in 0..MOST_LOOKS {
            if self.client.answered() > before + 2 {
                return Ok(());
            }
            sleep(LOOK_AGAIN);
        }
        bail!("the client that behaves is not served")
    }

    pub(super) fn kill_worker(&mut self, round: usize) -> Result<bool> {
        self.worker(round)?.kill()?;
        Ok(true)
    }

    /// It goes on when the next one is to stand still: its lease is over then.
    pub(super) fn stop_worker(&mut self, round: usize) -> Result<bool> {
        self.resume_all();
        let worker = self.worker(round + 1)?;
        if worker.is_running() {
            worker.signal(Signal::SIGSTOP)?;
        }
        Ok(true)
    }

    fn worker(&mut self, number: usize) -> Result<&mut Process> {
        let number = number % WORKERS;
        self.workers.get_mut(number).context("too few workers")
    }

    pub(super) fn resume_all(&mut self) {
        for worker in &mut self.workers {
            if worker.is_running() {
                let _ = worker.signal(Signal::SIGCONT);
            }
        }
    }

    pub(super) fn restart_service(&mut self) -> Result<bool> {
        self.service.kill()?;
        let url = url_of(&self.postgres.address());
        self.service = serve(&self.address, &url, self.folder.path())?;
        Ok(true)
    }

    pub(super) fn cut_connections(&self) -> Result<bool> {
        self.runtime.block_on(self.proxy.cut_idle());
        Ok(true)
    }

    pub(super) fn crash_database(&self) -> Result<bool> {
        self.postgres.stop_immediately()?;
        self.postgres.restart()?;
        Ok(true)
    }

    pub(super) fn fill_disk(&self, time: Duration) -> Result<bool> {
        let Some(disk) = &self.disk else {
            return Ok(false);
        };
        disk.fill()?;
        sleep(time);
        disk.free()?;
        Ok(true)
    }

    pub(super) fn lose_network(&self, time: Duration) -> Result<bool> {
        let Some(hole) = &self.hole else {
            return Ok(false);
        };
        hole.lose(true)?;
        sleep(time);
        hole.lose(false)?;
        Ok(true)
    }

    pub(super) fn restart_pooler(&mut self) -> Result<bool> {
        drop(self.pooler.take());
        let url = url_of(&self.postgres.address());
        let pooler = PgBouncer::before(&url.parse()?)?;
        self.proxy.lead_to(pooler.address());
        self.pooler = Some(pooler);
        Ok(true)
    }

    /// Whether every item is in a batch that succeeded, and nothing runs or waits.
    pub(super) fn is_done(&self) -> bool {
        matches!(
            (self.database.astray(), self.database.left()),
            (Ok(0), Ok(0))
        )
    }

    /// Ends all, and tells what came of it.
    pub(super) fn end(mut self) -> Result<Figures> {
        let mut secrets = vec![
            ("the API token", TOKEN.to_owned()),
            ("the password", PASSWORD.to_owned()),
        ];
        let claims = self.database.claim_tokens()?;
        ensure!(!claims.is_empty(), "nothing was claimed");
        secrets.extend(claims.into_iter().map(|token| ("a claim token", token)));
        // Memory is given back within some seconds of rest.
        self.client.end(&mut self.figures);
        for _ in 0..MOST_LOOKS {
            self.figures.memory_after = self.service.memory();
            if self.figures.memory_after < MOST_MEMORY_AFTER {
                break;
            }
            sleep(LOOK_AGAIN);
        }
        let figures = &mut self.figures;
        figures.items = self.database.items()?;
        figures.astray = self.database.astray()?;
        figures.left = self.database.left()?;
        (figures.attempts, figures.batches) = self.database.attempts()?;
        figures.secrets = secrets_in_logs(self.folder.path(), &secrets)?;
        Ok(std::mem::take(figures))
    }
}

/// Where the database is at this `host:port`.
fn url_of(address: &str) -> String {
    format!("postgres://postgres:{PASSWORD}@{address}/postgres")
}
