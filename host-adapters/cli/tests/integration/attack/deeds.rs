//! What is done to the service, to workers, and to what they depend on.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use batchintory_tests::slow_clients::{SlowClients, Slowness};

use crate::workplace::service::TOKEN;

use super::scene::{LEASE_SECONDS, Scene};

/// How many slow clients there are at once.
const CLIENTS: usize = 300;

/// How many requests of a client that behaves are measured among them.
const REQUESTS: usize = 40;

/// How long those may take, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a disk stays full.
const FULL: Duration = Duration::from_secs(2);

/// How long a network loses all: longer than a lease.
const LOST: Duration = Duration::from_secs(LEASE_SECONDS as u64 + 1);

#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    KillWorker,
    StopWorker,
    SlowClients,
    KillService,
    CutConnections,
    CrashDatabase,
    FillDisk,
    LoseNetwork,
    RestartPooler,
}

impl Deed {
    pub(super) const ALL: [Self; 9] = [
        Self::StopWorker,
        Self::SlowClients,
        Self::KillWorker,
        Self::KillService,
        Self::LoseNetwork,
        Self::CutConnections,
        Self::FillDisk,
        Self::CrashDatabase,
        Self::RestartPooler,
    ];

    /// Does it for the so many-th time.
    pub(super) fn do_to(self, scene: &mut Scene, round: usize) -> Result<()> {
        let is_done = match self {
            Self::KillWorker => scene.kill_worker(round),
            Self::StopWorker => scene.stop_worker(round),
            Self::SlowClients => slow_clients(scene, round),
            Self::KillService => scene.restart_service(),
            Self::CutConnections => scene.cut_connections(),
            Self::CrashDatabase => scene.crash_database(),
            Self::FillDisk => scene.fill_disk(FULL),
            Self::LoseNetwork => scene.lose_network(LOST),
            Self::RestartPooler => scene.restart_pooler(),
        }?;
        if is_done {
            scene.figures.did(&self.to_string());
        }
        Ok(())
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::KillWorker => "a worker is killed",
            Self::StopWorker => "a worker stands still",
            Self::SlowClients => "slow clients come",
            Self::KillService => "the service is killed and started again",
            Self::CutConnections => "all connections to the database are cut",
            Self::CrashDatabase => "the database crashes",
            Self::FillDisk => "the disk is full",
            Self::LoseNetwork => "a network loses all that is sent",
            Self::RestartPooler => "the pooler is killed and started again",
        })
    }
}

/// All kinds of them in turn: what a client that behaves asks meanwhile is measured.
fn slow_clients(scene: &mut Scene, round: usize) -> Result<bool> {
    let kinds = Slowness::ALL.iter().cycle().skip(round);
    scene.wait_for_client()?;
    for slowness in kinds.take(Slowness::ALL.len()) {
        let slow = SlowClients::start(scene.service_address(), TOKEN, *slowness, CLIENTS);
        scene.client.count(true);
        let start = Instant::now();
        let before = scene.client.counted();
        while scene.client.counted() < before + REQUESTS {
            ensure!(start.elapsed() < PATIENCE, "nobody is served: {slowness:?}");
            scene.look_at_memory();
            scene.database.append_items();
            std::thread::sleep(Duration::from_millis(100));
        }
        scene.client.count(false);
        println!(
            "         {slowness:?}: the slowest request took {} ms",
            scene.client.slowest_since(before).as_millis()
        );
        scene.figures.slow_connections += slow.connections();
    }
    Ok(true)
}
