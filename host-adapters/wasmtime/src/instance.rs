//! An instance of the planner component, held to its limits.

use tokio::time::Instant;
use wasmtime::Store;

use crate::database::Databases;
use crate::error::Error;
use crate::host::{Guest, Host, Planner, PlannerPre};
use crate::limits::{Limits, Usage};

/// An instance of the planner component. It serves one call at a time.
pub struct PlannerInstance {
    store: Store<Host>,
    planner: Planner,
}

impl PlannerInstance {
    pub(crate) async fn new(
        planner: &PlannerPre<Host>,
        databases: Databases,
        limits: Limits,
    ) -> Result<Self, Error> {
        let host = Host {
            databases,
            usage: Usage::new(limits),
            turn: None,
        };
        let mut store = Store::new(planner.engine(), host);
        store.limiter(|host| &mut host.usage);
        store.epoch_deadline_callback(|mut store| store.data_mut().usage.look_at_time());
        start_call(&mut store);
        match planner.instantiate_async(&mut store).await {
            Ok(planner) => Ok(Self { store, planner }),
            Err(error) => Err(explain(&error, &store)),
        }
    }

    /// The most memory that the instance has had so far, in bytes.
    pub fn peak_memory_bytes(&self) -> usize {
        self.store.data().usage.peak_memory_bytes()
    }

    /// Gets ready for one call: what to call it on.
    pub(crate) fn start(&mut self) -> (&Guest, &mut Store<Host>) {
        start_call(&mut self.store);
        let planner = self.planner.batchintory_inventory_inventory();
        (planner, &mut self.store)
    }

    /// Ends a call that has come to its end, and with it its turn. Gives back when that came, if it was a claim.
    pub(crate) fn end(&mut self) -> Option<Instant> {
        self.store.data_mut().turn.take().map(|(_, since)| since)
    }

    /// Why a call did not come to an end. The instance must not be used again.
    pub(crate) fn explain(self, error: &wasmtime::Error) -> Error {
        explain(error, &self.store)
    }
}

fn start_call(store: &mut Store<Host>) {
    let ticks = store.data_mut().usage.start_call();
    store.set_epoch_deadline(ticks);
}

/// Why the component did not come to an end.
fn explain(error: &wasmtime::Error, store: &Store<Host>) -> Error {
    match store.data().usage.reached() {
        Some(limit) => Error::LimitReached { limit },
        None => Error::Trap(format!("{error:#}")),
    }
}
