//! An instance of the planner component, held to its limits.

use wasmtime::{ResourceLimiter, Store, Trap};

use crate::database::Databases;
use crate::error::{Error, Limit};
use crate::host::{Guest, Host, Planner, PlannerPre};

/// What an instance of the component may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Units of fuel (roughly, WebAssembly instructions) in one call. Time that the databases take
    /// does not count.
    pub fuel: u64,
    /// Bytes of memory of one instance.
    pub memory_bytes: usize,
}

impl Default for Limits {
    /// About ten seconds of work, and 64 MiB.
    fn default() -> Self {
        Self {
            fuel: 10_000_000_000,
            memory_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What belongs to an instance.
pub(crate) struct State {
    host: Host,
    memory: Memory,
}

impl AsMut<Host> for State {
    fn as_mut(&mut self) -> &mut Host {
        &mut self.host
    }
}

/// Grants memory up to a limit, and remembers.
struct Memory {
    limit: usize,
    peak: usize,
    is_refused: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.limit {
            self.is_refused = true;
            return Err(wasmtime::Error::msg("the memory limit is reached"));
        }
        self.peak = self.peak.max(desired);
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

/// An instance of the planner component. It serves one call at a time.
pub struct PlannerInstance {
    store: Store<State>,
    planner: Planner,
    limits: Limits,
}

impl PlannerInstance {
    pub(crate) async fn new(
        planner: &PlannerPre<State>,
        databases: Databases,
        limits: Limits,
    ) -> Result<Self, Error> {
        let state = State {
            host: Host { databases },
            memory: Memory {
                limit: limits.memory_bytes,
                peak: 0,
                is_refused: false,
            },
        };
        let mut store = Store::new(planner.engine(), state);
        store.limiter(|state| &mut state.memory);
        let instantiated = match store.set_fuel(limits.fuel) {
            Ok(()) => planner.instantiate_async(&mut store).await,
            Err(error) => Err(error),
        };
        match instantiated {
            Ok(planner) => Ok(Self {
                store,
                planner,
                limits,
            }),
            Err(error) => Err(explain(&error, &store, limits)),
        }
    }

    /// The most memory that the instance has had so far, in bytes.
    pub fn peak_memory_bytes(&self) -> usize {
        self.store.data().memory.peak
    }

    /// Gets ready for one call: what to call it on.
    pub(crate) fn start(&mut self) -> Result<(&Guest, &mut Store<State>), Error> {
        self.store
            .set_fuel(self.limits.fuel)
            .map_err(|error| Error::Trap(format!("{error:#}")))?;
        Ok((
            self.planner.batchintory_inventory_inventory(),
            &mut self.store,
        ))
    }

    /// Why a call did not come to an end. The instance must not be used again.
    pub(crate) fn explain(self, error: &wasmtime::Error) -> Error {
        explain(error, &self.store, self.limits)
    }
}

/// Why the component did not come to an end.
fn explain(error: &wasmtime::Error, store: &Store<State>, limits: Limits) -> Error {
    if store.data().memory.is_refused {
        let limit = Limit::Memory(limits.memory_bytes);
        return Error::LimitReached { limit };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Error::LimitReached {
            limit: Limit::Fuel(limits.fuel),
        },
        _ => Error::Trap(format!("{error:#}")),
    }
}
