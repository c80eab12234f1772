//! The HTTP service over databases of the host.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use batchintory::{Database as _, DatabaseError, Value};
use batchintory_http::{CHANNEL, Settings as ServiceSettings};
use batchintory_wasmtime::{ClaimTurn, Databases};
use hyper::body::Incoming;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi_http::WasiBody;

use crate::brake::Brake;
use crate::component::{HttpComponent, Patient};
use crate::error::Error;
use crate::instance::Instance;
use crate::server::{self, Peer, ServerOptions};
use crate::wait::Wait;

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["wit/inventory", "wit/http"],
        inline: "
            package batchintory:server;
            world imports {
                import batchintory:inventory/database@0.1.0;
                import batchintory:http/configuration@0.1.0;
                import batchintory:http/notices@0.1.0;
            }
        ",
        imports: { default: async },
    });
}

use bindings::batchintory::http::{configuration, notices};
use bindings::batchintory::inventory::database;

batchintory::boundary!(database = crate::service::bindings::batchintory::inventory::database);

/// How many wrong tokens an address may send in a minute, unless said otherwise.
const WRONG_TOKENS: u32 = 20;

/// How long a statement may take, unless said otherwise. Somebody waits for the answer, and others for a
/// connection to the database.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the inventory is asked for those who wait for a batch, unless said otherwise.
const POLL: Duration = Duration::from_secs(2);

/// The HTTP service: the component with its databases. Cheap to clone.
#[derive(Clone)]
pub struct HttpService {
    shared: Arc<Shared>,
    brake: Arc<Brake>,
    /// Whether it listens to its own machine alone.
    loopback: bool,
    options: ServerOptions,
    statement_timeout: Duration,
    /// How long a request that waits for a batch does so at most before the inventory is asked again.
    poll: Duration,
    /// Whether the service is about to end: nobody waits for batches any more.
    is_ending: watch::Receiver<bool>,
}

struct Shared {
    component: Arc<HttpComponent<Imports>>,
    databases: Databases,
    settings: RwLock<ServiceSettings>,
}

/// What an instance's imports work on.
struct Imports {
    shared: Arc<Shared>,
    brake: Arc<Brake>,
    loopback: bool,
    peer: Option<IpAddr>,
    /// The request's turn among those that claim: it is over with the instance.
    turn: Option<ClaimTurn>,
    /// Told when the request claims.
    wait: Option<Wait>,
    statement_timeout: Duration,
}

impl HttpService {
    /// The component that this crate was built with.
    pub const EMBEDDED: &[u8] = batchintory_component::service();

    /// The service of the component that this crate was built with. The compiled code is kept in the
    /// user's cache directory.
    ///
    /// # Errors
    ///
    /// When it cannot be compiled.
    pub fn embedded(databases: Databases, settings: ServiceSettings) -> Result<Self, Error> {
        Ok(Self {
            shared: Arc::new(Shared {
                component: Self::component()?,
                databases,
                settings: RwLock::new(settings),
            }),
            brake: Arc::new(Brake::new(WRONG_TOKENS)),
            loopback: false,
            options: ServerOptions::default(),
            statement_timeout: STATEMENT_TIMEOUT,
            poll: POLL,
            is_ending: watch::channel(false).1,
        })
    }

    /// The component, compiled once for all services of this process; they share its places.
    fn component() -> Result<Arc<HttpComponent<Imports>>, Error> {
        static COMPILED: Mutex<Option<Arc<HttpComponent<Imports>>>> = Mutex::new(None);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = &*compiled {
            return Ok(component.clone());
        }
        let component = Arc::new(HttpComponent::compile(Self::EMBEDDED, add_imports)?);
        *compiled = Some(component.clone());
        Ok(component)
    }

    /// The service that answers an address which has sent so many wrong tokens within a minute by nothing
    /// but "wait"; 0: never.
    #[must_use]
    pub fn with_brake(mut self, wrong_tokens: u32) -> Self {
        self.brake = Arc::new(Brake::new(wrong_tokens));
        self
    }

    /// The service whose statements may take so long, whatever their databases allow.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// The service that asks the inventory again after so long at most, by chance half of it, for requests that wait for a
    /// batch (`Prefer: wait`). Where the meta table notifies its channel, they are woken at once.
    #[must_use]
    pub fn with_poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// The service with listeners that offer this.
    #[must_use]
    pub fn with_server_options(mut self, options: ServerOptions) -> Self {
        self.options = options;
        self
    }

    /// Serves by other settings from the next request on, whatever copy of the service is asked.
    pub fn set(&self, settings: ServiceSettings) {
        let mut kept = (self.shared.settings.write()).unwrap_or_else(PoisonError::into_inner);
        *kept = settings;
    }

    /// Serves whoever connects, until `end` is over and what was under way is done.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        end: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        self.loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
        let options = self.options.clone();
        let (ending, is_ending) = watch::channel(false);
        self.is_ending = is_ending;
        let end = async {
            end.await;
            ending.send_replace(true);
        };
        let handle = move |request| {
            let service = self.clone();
            async move { Ok::<_, Infallible>(service.handle(request).await) }
        };
        server::serve(listener, options, handle, end).await
    }

    async fn handle(&self, mut request: Request<Incoming>) -> Response<WasiBody> {
        let peer = request.extensions().get().map(|&Peer(peer)| peer);
        // Health has nothing to do with tokens.
        if request.uri().path() != "/healthz"
            && let Some(wait) = peer.and_then(|peer| self.brake.wait(peer, Instant::now()))
        {
            return too_many_wrong_tokens(wait);
        }
        if can_wait(&request) {
            request.extensions_mut().insert(Patient);
        }
        let asked = (&self.shared.databases, self.poll);
        let wait = Wait::preferred(request.headers(), asked, &self.is_ending);
        match wait.clone() {
            Some(wait) => {
                (request.headers_mut()).insert(CHANNEL, HeaderValue::from_static("?"));
                request.extensions_mut().insert(wait);
            }
            // It is not the client's to ask.
            None => drop(request.headers_mut().remove(CHANNEL)),
        }
        let imports = || Imports {
            shared: self.shared.clone(),
            brake: self.brake.clone(),
            loopback: self.loopback,
            peer,
            turn: None,
            wait: wait.clone(),
            statement_timeout: self.statement_timeout,
        };
        self.shared.component.handle(imports, request).await
    }
}

/// The answer to whoever has to wait.
fn too_many_wrong_tokens(wait: Duration) -> Response<WasiBody> {
    let mut response = server::problem(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-wrong-tokens",
        "too many wrong access tokens came from this address; wait as long as Retry-After says",
    );
    let seconds = wait.as_secs().saturating_add(1);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Whether nobody's work waits for the answer: what is only looked at, from one job to the whole inventory.
fn can_wait<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    let is_of_worker = path.starts_with("/v1/batches/") && path.ends_with("/items");
    request.method() != Method::POST && !is_of_worker && path != "/healthz"
}

fn add_imports(linker: &mut Linker<Instance<Imports>>) -> wasmtime::Result<()> {
    database::add_to_linker::<_, HasSelf<Imports>>(linker, |instance| &mut instance.imports)?;
    configuration::add_to_linker::<_, HasSelf<Imports>>(linker, |instance| &mut instance.imports)?;
    notices::add_to_linker::<_, HasSelf<Imports>>(linker, |instance| &mut instance.imports)
}

impl database::Host for Imports {
    async fn settings(&mut self) -> database::DatabaseSettings {
        self.shared.databases.settings().into()
    }

    async fn pause(&mut self, milliseconds: u32) {
        self.shared.databases.pause(milliseconds).await;
    }

    async fn claim_turn(&mut self, scope: String) {
        if let Some(wait) = &self.wait {
            wait.claims();
        }
        // Whoever has one turn must not wait for another.
        self.turn = None;
        self.turn = Some(self.shared.databases.claim_turn(&scope).await);
    }

    async fn query(
        &mut self,
        on: database::Source,
        statement: String,
        params: Vec<database::Value>,
    ) -> Result<database::Rows, database::Error> {
        let parameters: Vec<Value> = params.into_iter().map(Into::into).collect();
        let query = (self.shared.databases).query(on.into(), &statement, &parameters);
        match timeout(self.statement_timeout, query).await {
            Ok(Ok(rows)) => Ok(rows.into()),
            Ok(Err(error)) => Err(error.into()),
            // Dropping it has ended the statement.
            Err(_) => Err(DatabaseError::OutcomeUnknown(format!(
                "a statement has taken more than {} ms; the service allows no more (--statement-timeout)",
                self.statement_timeout.as_millis()
            ))
            .into()),
        }
    }
}

impl configuration::Host for Imports {
    async fn settings(&mut self) -> Result<configuration::ServiceSettings, String> {
        let settings = (self.shared.settings.read()).unwrap_or_else(PoisonError::into_inner);
        Ok(configuration::ServiceSettings {
            api_token: settings.api_token.clone(),
            api_tokens: settings.api_tokens.clone(),
            public_reads: settings.public_reads.clone(),
            allowed_tables: settings.allowed_tables.clone(),
            public_url: settings.public_url.clone(),
            loopback: self.loopback,
        })
    }
}

impl notices::Host for Imports {
    async fn audit(&mut self, line: String) {
        let peer = self.peer.map(tracing::field::display);
        tracing::info!(target: "batchintory::audit", peer, "{line}");
    }

    async fn trouble(&mut self, line: String) {
        tracing::warn!("{line}");
    }

    async fn wrong_token(&mut self) {
        if let Some(peer) = self.peer {
            self.brake.wrong(peer, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_do_not_wait_for_readers() {
        for (method, path, expected) in [
            ("POST", "/v1/jobs/a/batches", false),
            ("POST", "/v1/batches/token/complete", false),
            ("GET", "/v1/batches/token/items?limit=10", false),
            ("GET", "/healthz", false),
            ("GET", "/v1/batches?details=true", true),
            ("GET", "/v1/jobs", true),
            ("GET", "/metrics", true),
            ("HEAD", "/", true),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(())
                .unwrap();
            assert_eq!(can_wait(&request), expected, "{method} {path}");
        }
    }
}
