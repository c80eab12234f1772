//! An HTTP component, compiled once: an instance for every request.

use std::sync::Arc;

use batchintory_wasmtime::start_ticking;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use tokio::sync::{Semaphore, oneshot};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error as HttpError, WasiBody, WasiHttpView as _};

use crate::error::Error;
use crate::instance::{Instance, MAX_MEMORY_BYTES};
use crate::server;

/// How many requests are served at once; others wait.
const MAX_INSTANCES: u32 = 256;

/// A component that exports `wasi:http/incoming-handler`, compiled and ready to be instantiated. `T` is
/// what its imports beside WASI work on.
pub struct HttpComponent<T: Send + 'static> {
    proxy: ProxyPre<Instance<T>>,
    places: Arc<Semaphore>,
}

impl<T: Send + 'static> HttpComponent<T> {
    /// Compiles a component. `add_imports` offers what it imports beside WASI.
    ///
    /// # Errors
    ///
    /// When the bytes are no such component, or it imports something else.
    pub fn compile(
        bytes: &[u8],
        add_imports: impl FnOnce(&mut Linker<Instance<T>>) -> wasmtime::Result<()>,
    ) -> Result<Self, Error> {
        let compile = || {
            let engine = engine()?;
            let component = Component::from_binary(&engine, bytes)?;
            let mut linker = Linker::new(&engine);
            wasmtime_wasi_http::p2::add_to_linker_async(&mut linker)?;
            add_imports(&mut linker)?;
            ProxyPre::new(linker.instantiate_pre(&component)?)
        };
        let proxy =
            compile().map_err(|error: wasmtime::Error| Error::Component(format!("{error:#}")))?;
        Ok(Self {
            proxy,
            places: Arc::new(Semaphore::new(MAX_INSTANCES as usize)),
        })
    }

    /// Serves one request with an instance of its own, whose imports work on `imports`. Where the
    /// instance ends without an answer, since it trapped or reached a limit, the answer has status 500.
    pub async fn handle<B>(
        &self,
        imports: T,
        request: hyper::Request<B>,
    ) -> hyper::Response<WasiBody>
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        (self.answer(imports, request).await).unwrap_or_else(|error| server::failed(&error))
    }

    async fn answer<B>(
        &self,
        imports: T,
        request: hyper::Request<B>,
    ) -> wasmtime::Result<hyper::Response<WasiBody>>
    where
        B: Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        let place = self.places.clone().acquire_owned().await?;
        let mut store = Store::new(self.proxy.engine(), Instance::new(imports));
        store.limiter(|instance| &mut instance.usage);
        store.epoch_deadline_callback(|mut store| store.data_mut().usage.tick());
        store.set_epoch_deadline(1);
        let (answer, answered) = oneshot::channel();
        let request = store
            .data_mut()
            .http()
            .new_incoming_request(Scheme::Http, request)?;
        let out = store.data_mut().http().new_response_outparam(answer)?;
        let proxy = self.proxy.clone();
        // On its own, since the body is written after the answer's head; and to its end even if the
        // client has gone, as a statement that was sent is carried out as well.
        let task = tokio::spawn(async move {
            let _place = place;
            let instance = proxy.instantiate_async(&mut store).await?;
            instance
                .wasi_http_incoming_handler()
                .call_handle(&mut store, request, out)
                .await
        });
        match answered.await {
            Ok(Ok(response)) => Ok(response.map(|body| body.boxed_unsync())),
            Ok(Err(code)) => Err(wasmtime::Error::msg(format!("the answer is {code:?}"))),
            Err(_) => match task.await? {
                Ok(()) => Err(wasmtime::Error::msg("there is no answer")),
                Err(error) => Err(error),
            },
        }
    }
}

/// An engine that has room for so many instances ready, so that making one takes no system call to
/// speak of; where the machine does not give so much address space, one that makes room when needed.
fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Without a directory to keep compiled code in, it is compiled anew: slower, never wrong.
    config.cache(Cache::from_file(None).ok());
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    let engine = match Engine::new(&config) {
        Ok(engine) => engine,
        Err(error) => {
            tracing::warn!("instances are made one by one, which takes longer: {error:#}");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)?
        }
    };
    start_ticking(&engine)?;
    Ok(engine)
}

/// Room for all instances. A composed component has a module for each of its parts, and small ones that
/// tie them together.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * 16)
        .total_memories(MAX_INSTANCES * 4)
        .total_tables(MAX_INSTANCES * 8)
        .total_stacks(MAX_INSTANCES)
        .max_memory_size(MAX_MEMORY_BYTES)
        // What an instance left in its memory is wiped page by page, where the system tells which pages
        // those are, and else up to so much; only what is beyond is given back to the system.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(1024 * 1024)
        .table_keep_resident(64 * 1024);
    pool
}
