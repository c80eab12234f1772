//! What an instance of the component may use.

use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, ResourceLimiter, Trap, UpdateDeadline};

use crate::error::Limit;

/// How often computing time is looked at.
const TICK: Duration = Duration::from_millis(50);

/// What an instance of the component may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one call may compute. Time that the databases take does not count; computing is
    /// stopped some 50 ms late.
    pub compute_time: Duration,
    /// Bytes of memory of one instance.
    pub memory_bytes: usize,
}

impl Default for Limits {
    /// Ten seconds, and 64 MiB.
    fn default() -> Self {
        Self {
            compute_time: Duration::from_secs(10),
            memory_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What an instance has used.
pub(crate) struct Usage {
    limits: Limits,
    reached: Option<Limit>,
    peak_memory_bytes: usize,
    call_started: Instant,
    waited: Duration,
}

impl Usage {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            reached: None,
            peak_memory_bytes: 0,
            call_started: Instant::now(),
            waited: Duration::ZERO,
        }
    }

    /// The limit at which the instance was stopped.
    pub(crate) fn reached(&self) -> Option<Limit> {
        self.reached
    }

    /// The most memory so far.
    pub(crate) fn peak_memory_bytes(&self) -> usize {
        self.peak_memory_bytes
    }

    /// A call begins. Gives back after how many ticks its time is to be looked at.
    pub(crate) fn start_call(&mut self) -> u64 {
        self.call_started = Instant::now();
        self.waited = Duration::ZERO;
        // A call without time is stopped at once.
        u64::from(!self.limits.compute_time.is_zero())
    }

    /// The component waited for its host since then.
    pub(crate) fn add_wait(&mut self, since: Instant) {
        self.waited += since.elapsed();
    }

    /// Whether the call under way may go on computing for another tick.
    pub(crate) fn look_at_time(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let computed = self.call_started.elapsed().saturating_sub(self.waited);
        if computed < self.limits.compute_time {
            return Ok(UpdateDeadline::Continue(1));
        }
        self.reached = Some(Limit::ComputeTime(self.limits.compute_time));
        Err(Trap::Interrupt.into())
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let most = self.limits.memory_bytes;
        if desired > most {
            self.reached = Some(Limit::Memory(most));
            return Err(wasmtime::Error::msg("the memory limit is reached"));
        }
        self.peak_memory_bytes = self.peak_memory_bytes.max(desired);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The planner's tables are as long as its code makes them.
        Ok(desired <= 100_000)
    }
}

/// Lets an engine's clock tick, every 50 ms, for as long as the engine lives.
///
/// # Errors
///
/// When the system has no thread left.
pub fn start_ticking(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new()
        .name("batchintory-clock".into())
        .spawn(tick)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use wasmtime::{Instance, Module, Store};

    /// (module (func (export "f") (loop (br 0))))
    const ENDLESS: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\
        \x0a\x09\x01\x07\0\x03\x40\x0c\0\x0b\x0b";

    #[test]
    fn what_never_ends_is_stopped() {
        let limit = TICK * 2;
        let usage = Usage::new(Limits {
            compute_time: limit,
            ..Limits::default()
        });
        let engine = crate::component::engine().unwrap();
        let mut store = Store::new(&engine, usage);
        store.epoch_deadline_callback(|mut store| store.data_mut().look_at_time());
        let ticks = store.data_mut().start_call();
        store.set_epoch_deadline(ticks);
        let module = Module::new(&engine, ENDLESS).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let endless = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        endless.call(&mut store, ()).unwrap_err();
        assert_eq!(store.data().reached(), Some(Limit::ComputeTime(limit)));
    }

    #[test]
    fn waiting_for_the_database_is_not_computing() {
        let long_ago = || Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
        let mut usage = Usage::new(Limits::default());
        usage.start_call();
        usage.call_started = long_ago();
        usage.add_wait(long_ago());
        assert!(usage.look_at_time().is_ok());
        usage.start_call();
        usage.call_started = long_ago();
        assert!(usage.look_at_time().is_err());
    }
}
