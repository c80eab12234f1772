//! An HTTP component, compiled once: an instance for every request.

use std::pin::pin;
use std::sync::Arc;

use batchintory_wasmtime::start_ticking;
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, COOKIE, EXPECT};
use tokio::sync::{Notify, Semaphore, oneshot};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

use crate::answer;
use crate::budget::{Budget, Exhausted};
use crate::error::Error;
use crate::instance::{Instance, MAX_MEMORY_BYTES};
use crate::request_body::{Arriving, NotReceived, RequestBody};
use crate::server::{self, Encrypted};
use crate::wait::Wait;

/// How many requests have an instance at once; others wait. Each waits for a database most of its time, and
/// there are fewer connections to those.
const MAX_INSTANCES: u32 = 64;

/// How many of them may be requests that only look at jobs and batches: what they are answered may be much, and
/// costs as much. So many threads more than processors keep them from holding up others.
pub const MAX_PATIENT_REQUESTS: usize = 4;

/// How many of them may be requests without credentials, or such whose bodies do not come at once.
const MAX_DOUBTFUL: usize = 4;

/// The memory that all requests share, in bytes: what instances have beyond [`INSTANCE_BYTES`], bodies that
/// come and answers that are not read yet beyond [`MESSAGE_BYTES`].
const SHARED_BYTES: usize = 128 * 1024 * 1024;

/// The memory that an instance may have whatever others do, in bytes.
const INSTANCE_BYTES: usize = 4 * 1024 * 1024;

/// The memory that a body and an answer may have each whatever others do, in bytes: what workers ask and are
/// told is smaller.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A component that exports `wasi:http/incoming-handler`, compiled and ready to be instantiated. `T` is
/// what its imports beside WASI work on.
pub struct HttpComponent<T: Send + 'static> {
    proxy: ProxyPre<Instance<T>>,
    places: Places,
    memory: Budget,
}

/// Places for instances. Requests queue up with others of their kind, so that a crowd of one kind keeps no other
/// waiting.
struct Places {
    usual: Semaphore,
    patient: Semaphore,
    doubtful: Semaphore,
}

/// Marks requests that can wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patient;

impl Places {
    fn new() -> Self {
        Self {
            usual: Semaphore::new(MAX_INSTANCES as usize - MAX_PATIENT_REQUESTS - MAX_DOUBTFUL),
            patient: Semaphore::new(MAX_PATIENT_REQUESTS),
            doubtful: Semaphore::new(MAX_DOUBTFUL),
        }
    }

    /// Those for a request.
    fn of(&self, request: &hyper::Request<RequestBody>) -> &Semaphore {
        // Whether they are good for anything is the component's to say.
        let has_credentials = [AUTHORIZATION, COOKIE]
            .iter()
            .any(|name| request.headers().contains_key(name));
        let is_whole = matches!(request.body(), RequestBody::Whole(_));
        if !has_credentials || !is_whole {
            return &self.doubtful;
        }
        match request.extensions().get::<Patient>() {
            Some(Patient) => &self.patient,
            None => &self.usual,
        }
    }
}

/// Why a request has no answer of the component's.
enum Unanswered {
    /// Its body did not come.
    NotReceived(NotReceived),
    /// Its instance ended without one: it trapped, or reached a limit.
    Failed(wasmtime::Error),
}

impl From<NotReceived> for Unanswered {
    fn from(reason: NotReceived) -> Self {
        Self::NotReceived(reason)
    }
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
            places: Places::new(),
            memory: Budget::of_bytes(SHARED_BYTES),
        })
    }

    /// Serves one request with an instance of its own, whose imports work on what `imports` makes. Where the
    /// instance ends without an answer, since it trapped or reached a limit, or needs more memory than there is for
    /// all requests, the answer has status 500, or 503 where others have that memory for now.
    ///
    /// An instance is there from when all of the request has come until all of its answer is there. Dropping the
    /// future ends it, and with it the statement that it waits for.
    pub async fn handle<B>(
        &self,
        imports: impl Fn() -> T,
        request: hyper::Request<B>,
    ) -> hyper::Response<WasiBody>
    where
        B: Body<Data = bytes::Bytes> + Unpin,
    {
        match self.answer(imports, request).await {
            Ok(response) => response,
            Err(Unanswered::NotReceived(NotReceived::TooSlow)) => server::too_slow(),
            Err(Unanswered::NotReceived(NotReceived::Broken)) => server::broken_off(),
            Err(Unanswered::NotReceived(NotReceived::NoRoom)) => server::busy(),
            Err(Unanswered::Failed(error)) => match error.downcast_ref() {
                Some(Exhausted::ForNow) => server::busy(),
                Some(Exhausted::ForGood) => server::too_large(),
                None => server::failed(&error),
            },
        }
    }

    /// The component alone knows who may do what, and reads no body before it has let its request through,
    /// nor does it anything else. So where the body does not come at once, an instance is asked without it
    /// whether it is wanted: many are not, and whoever sends those slowly keeps nothing busy.
    async fn answer<B>(
        &self,
        imports: impl Fn() -> T,
        request: hyper::Request<B>,
    ) -> Result<hyper::Response<WasiBody>, Unanswered>
    where
        B: Body<Data = bytes::Bytes> + Unpin,
    {
        let (parts, body) = request.into_parts();
        let mut body = Arriving::new(body, self.memory.share(MESSAGE_BYTES));
        // Who asks before sending it is told to go on as soon as it is read.
        let asks_first = parts.headers.contains_key(EXPECT);
        if asks_first || !body.briefly().await? {
            let wanted = Arc::new(Notify::new());
            let without = RequestBody::Awaited(wanted.clone());
            let without = hyper::Request::from_parts(parts.clone(), without);
            tokio::select! {
                biased;
                answer = self.run(imports(), without) => return answer.map_err(Unanswered::Failed),
                () = wanted.notified() => {}
            }
        }
        let (bytes, _share) = body.whole().await?;
        let whole =
            |parts, bytes| hyper::Request::from_parts(parts, RequestBody::Whole(Some(bytes)));
        let Some(mut wait) = parts.extensions.get::<Wait>().cloned() else {
            let answer = self.run(imports(), whole(parts, bytes)).await;
            return answer.map_err(Unanswered::Failed);
        };
        loop {
            let request = whole(parts.clone(), bytes.clone());
            let answer = (self.run(imports(), request).await).map_err(Unanswered::Failed)?;
            if let Some(answer) = (wait.or_answer(answer).await).map_err(Unanswered::Failed)? {
                return Ok(answer);
            }
        }
    }

    /// Runs an instance until all of its answer is there.
    async fn run(
        &self,
        imports: T,
        request: hyper::Request<RequestBody>,
    ) -> wasmtime::Result<hyper::Response<WasiBody>> {
        let _place = self.places.of(&request).acquire().await?;
        let instance = Instance::new(imports, self.memory.share(INSTANCE_BYTES));
        let mut store = Store::new(self.proxy.engine(), instance);
        store.limiter(|instance| &mut instance.usage);
        store.epoch_deadline_callback(|mut store| store.data_mut().usage.tick());
        store.set_epoch_deadline(1);
        let scheme = match request.extensions().get::<Encrypted>() {
            Some(Encrypted) => Scheme::Https,
            None => Scheme::Http,
        };
        let (answer, answered) = oneshot::channel();
        let request = store
            .data_mut()
            .http()
            .new_incoming_request(scheme, request)?;
        let out = store.data_mut().http().new_response_outparam(answer)?;
        let instance = async move {
            let instance = self.proxy.instantiate_async(&mut store).await?;
            let handler = instance.wasi_http_incoming_handler();
            handler.call_handle(&mut store, request, out).await
        };
        let answer = async {
            match answered.await {
                Ok(Ok(response)) => {
                    answer::collect(response, self.memory.share(MESSAGE_BYTES)).await
                }
                Ok(Err(code)) => Err(wasmtime::Error::msg(format!("the answer is {code:?}"))),
                Err(_) => Err(wasmtime::Error::msg("there is no answer")),
            }
        };
        let mut answer = pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            ended = instance => {
                ended?;
                answer.await
            }
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
        .linear_memory_keep_resident(256 * 1024)
        .table_keep_resident(64 * 1024);
    pool
}
