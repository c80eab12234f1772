//! What the programs that were waited for took.

use std::ops::Sub;
use std::time::{Duration, Instant};

/// A reading of two clocks: the one on the wall, and the processor time (user and system) of all
/// programs that have ended, with those that they waited for.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    at: Instant,
    processor: Duration,
}

/// What passed between two readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// By the clock on the wall.
    pub wall: Duration,
    /// By the processors' clocks, all together.
    pub processor: Duration,
}

impl Reading {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            processor: processor(),
        }
    }

    /// What passed since.
    pub fn taken(self) -> Taken {
        Self::now() - self
    }
}

impl Sub for Reading {
    type Output = Taken;

    fn sub(self, earlier: Self) -> Taken {
        Taken {
            wall: self.at - earlier.at,
            processor: self.processor.saturating_sub(earlier.processor),
        }
    }
}

#[cfg(unix)]
fn processor() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeVal;

    let duration = |time: TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
        let microseconds = u64::try_from(time.tv_usec()).unwrap_or_default();
        Duration::from_secs(seconds) + Duration::from_micros(microseconds)
    };
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map(|usage| duration(usage.user_time()) + duration(usage.system_time()))
        .unwrap_or_default()
}

/// Not known elsewhere.
#[cfg(not(unix))]
fn processor() -> Duration {
    Duration::ZERO
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_program_that_computes_takes_processor_time() -> anyhow::Result<()> {
        let before = Reading::now();
        let count = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        Command::new("sh").args(["-c", count]).status()?;
        assert!(before.taken().processor > Duration::ZERO);
        Ok(())
    }
}
