//! What is told in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};

/// The longest that 99 of 100 requests of a client that behaves may take among slow ones.
const MOST_P99: Duration = Duration::from_secs(1);

/// The most memory that the service may have during an attack, and after it, in bytes.
pub(super) const MOST_MEMORY: u64 = 300 * 1024 * 1024;
pub(super) const MOST_MEMORY_AFTER: u64 = 100 * 1024 * 1024;

/// What was done, and what came of it.
#[derive(Default)]
pub(super) struct Figures {
    /// How often each deed was done.
    pub(super) deeds: BTreeMap<String, u32>,
    /// What this machine does not let one do.
    pub(super) left_out: Vec<String>,
    /// How many connections slow clients have made.
    pub(super) slow_connections: u64,
    /// How long requests among slow clients took.
    pub(super) times: Vec<Duration>,
    /// What was answered instead, among slow clients.
    pub(super) refusals: Vec<String>,
    /// All requests of the client that behaves, at all times, and how many it had to repeat.
    pub(super) requests: u64,
    pub(super) repeated: u64,
    pub(super) memory: u64,
    pub(super) memory_after: u64,
    pub(super) workers: u32,
    pub(super) items: i64,
    pub(super) batches: i64,
    pub(super) attempts: i64,
    /// Items that are not in exactly one batch that succeeded.
    pub(super) astray: i64,
    /// Batches that run or wait.
    pub(super) left: i64,
    /// Logs that hold a secret, by what it is.
    pub(super) secrets: Vec<String>,
}

impl Figures {
    /// Counts a deed.
    pub(super) fn did(&mut self, deed: &str) {
        *self.deeds.entry(deed.to_owned()).or_default() += 1;
    }

    fn time_of(&self, of_hundred: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        times
            .get(last * of_hundred / 100)
            .copied()
            .unwrap_or_default()
    }

    /// Whether all is as it must be.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.items > 0 && !self.times.is_empty(), "nothing was done");
        ensure!(
            self.astray == 0,
            "{} items are not in one batch that succeeded",
            self.astray
        );
        ensure!(self.left == 0, "{} batches are left", self.left);
        ensure!(
            self.secrets.is_empty(),
            "logs hold secrets: {:?}",
            self.secrets
        );
        ensure!(
            self.refusals.is_empty(),
            "refused among slow clients: {:?}",
            self.refusals
        );
        ensure!(
            self.memory < MOST_MEMORY,
            "the service had {} bytes",
            self.memory
        );
        ensure!(
            self.memory_after < MOST_MEMORY_AFTER,
            "the service keeps {} bytes",
            self.memory_after
        );
        Ok(())
    }

    /// Whether a client that behaves was served quickly.
    pub(super) fn check_times(&self) -> Result<()> {
        let p99 = self.time_of(99);
        ensure!(
            p99 < MOST_P99,
            "among slow clients 1 of 100 requests takes {p99:?}"
        );
        Ok(())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(formatter, "{name:<52}{value:>12}");
        let milliseconds = |time: Duration| format!("{} ms", time.as_millis());
        for (deed, count) in &self.deeds {
            line(deed, count.to_string())?;
        }
        for left_out in &self.left_out {
            line(left_out, "left out".into())?;
        }
        line("workers started", self.workers.to_string())?;
        line(
            "connections of slow clients",
            self.slow_connections.to_string(),
        )?;
        line(
            "requests of a client that behaves",
            self.requests.to_string(),
        )?;
        line(
            "  repeated while the service was down",
            self.repeated.to_string(),
        )?;
        line("  among slow clients", self.times.len().to_string())?;
        line("    refused", self.refusals.len().to_string())?;
        for (name, of_hundred) in [
            ("    half of them within", 50),
            ("    99 of 100 within", 99),
        ] {
            line(name, milliseconds(self.time_of(of_hundred)))?;
        }
        line("    all within", milliseconds(self.time_of(100)))?;
        line(
            "memory of the service",
            format!("{} MiB", self.memory >> 20),
        )?;
        line(
            "  when all had gone",
            format!("{} MiB", self.memory_after >> 20),
        )?;
        line("items", self.items.to_string())?;
        line("batches that succeeded", self.batches.to_string())?;
        line("attempts", self.attempts.to_string())?;
        line("items not in exactly one of them", self.astray.to_string())?;
        line("batches left", self.left.to_string())?;
        line("secrets in logs", self.secrets.len().to_string())
    }
}
