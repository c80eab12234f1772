//! What belongs to one instance: it serves one request and is gone.

use std::future::Future;

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Trap, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::budget::Share;

/// The most memory that an instance may have, in bytes: all of its modules together.
pub(crate) const MAX_MEMORY_BYTES: usize = 128 * 1024 * 1024;

/// How long an instance may compute, in ticks of its engine's clock.
const MAX_TICKS: u32 = 400;

/// An instance's data: WASI, and what its other imports work on. Of WASI it has clocks and randomness,
/// and the request; no file, no variable, no socket, no output.
pub struct Instance<T> {
    /// What the imports beside WASI work on.
    pub imports: T,
    pub(crate) usage: Usage,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoRequests,
    /// The resources that the instance holds.
    table: ResourceTable,
}

impl<T> Instance<T> {
    /// `memory` is its share of the memory of all.
    pub(crate) fn new(imports: T, memory: Share) -> Self {
        Self {
            imports,
            usage: Usage { ticks: 0, memory },
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            hooks: NoRequests,
            table: ResourceTable::new(),
        }
    }
}

impl<T: Send> WasiView for Instance<T> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl<T: Send> WasiHttpView for Instance<T> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// Refuses whatever an instance would ask of others by HTTP.
struct NoRequests;

impl WasiHttpHooks for NoRequests {
    fn send_request(
        &mut self,
        _request: hyper::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answered, Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

/// A response with what is left to do for its body.
type Answered = (
    hyper::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// What an instance has used.
pub(crate) struct Usage {
    ticks: u32,
    memory: Share,
}

impl Usage {
    /// A tick of computing is over. Waiting does not count, whatever its time: the clock is looked at
    /// only where code runs.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticks += 1;
        if self.ticks > MAX_TICKS {
            return Err(Trap::Interrupt.into());
        }
        // Others have their turn.
        Ok(UpdateDeadline::Yield(1))
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // One limit for all modules: each tells what it grows by.
        self.memory.grow(desired.saturating_sub(current))?;
        if self.memory.bytes() > MAX_MEMORY_BYTES {
            return Err(wasmtime::Error::msg("the memory limit is reached"));
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }
}
