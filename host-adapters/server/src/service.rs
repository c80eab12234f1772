//! The HTTP service over databases of the host.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use batchintory::Database as _;
use batchintory_wasmtime::{ClaimQueues, ClaimTurn, Databases};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use tokio::net::TcpListener;
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi_http::WasiBody;

use crate::component::HttpComponent;
use crate::error::Error;
use crate::instance::Instance;
use crate::server;

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit", "../http/wit"],
        inline: "
            package batchintory:server;
            world imports {
                import batchintory:inventory/database@0.1.0;
                import batchintory:http/configuration@0.1.0;
            }
        ",
        imports: { default: async },
    });
}

use bindings::batchintory::http::configuration;
use bindings::batchintory::inventory::database;

batchintory::boundary!(database = crate::service::bindings::batchintory::inventory::database);

/// Who may do what.
#[derive(Clone, Default)]
pub struct ServiceSettings {
    /// The token that callers must send; without one nothing can be written.
    pub api_token: Option<String>,
    /// Whether reading needs the token too.
    pub protect_reads: bool,
}

/// The HTTP service: the component with its databases. Cheap to clone.
#[derive(Clone)]
pub struct HttpService {
    shared: Arc<Shared>,
}

struct Shared {
    component: Arc<HttpComponent<Imports>>,
    databases: Databases,
    settings: ServiceSettings,
    claims: ClaimQueues,
}

/// What an instance's imports work on.
struct Imports {
    shared: Arc<Shared>,
    turn: Turn,
}

/// A request's turn among those that claim batches of the same job. Of claims that race only one wins, so
/// those that come to this process are let in one after the other: from the first statement on, when
/// all of the request has come, to the end of the instance.
enum Turn {
    /// The request claims nothing.
    NotNeeded,
    /// It claims a batch of this job, as the path spells it.
    Of(String),
    /// It has its turn, until this is dropped.
    Has { _turn: ClaimTurn },
}

impl Imports {
    async fn wait_for_turn(&mut self) {
        if let Turn::Of(job) = &self.turn {
            // The meta table stands in the body, which the host does not read.
            let turn = self.shared.claims.turn("", job).await;
            self.turn = Turn::Has { _turn: turn };
        }
    }
}

impl HttpService {
    /// The component that this crate was built with.
    pub const EMBEDDED: &[u8] = include_bytes!(env!("BATCHINTORY_COMPONENT_FILE"));

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
                settings,
                claims: ClaimQueues::default(),
            }),
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

    /// Serves whoever connects, until `end` is over and what was under way is done.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        end: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let handle = move |request| {
            let service = self.clone();
            async move { Ok::<_, Infallible>(service.handle(request).await) }
        };
        server::serve(listener, handle, end).await
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<WasiBody> {
        let imports = Imports {
            shared: self.shared.clone(),
            turn: match claimed_job(&request) {
                Some(job) => Turn::Of(job.to_owned()),
                None => Turn::NotNeeded,
            },
        };
        self.shared.component.handle(imports, request).await
    }
}

/// The job, as it is spelled, that a request claims a batch of.
fn claimed_job(request: &Request<Incoming>) -> Option<&str> {
    if request.method() != Method::POST {
        return None;
    }
    let (job, rest) = request
        .uri()
        .path()
        .strip_prefix("/v1/jobs/")?
        .split_once('/')?;
    matches!(rest, "batches" | "batches/many").then_some(job)
}

fn add_imports(linker: &mut Linker<Instance<Imports>>) -> wasmtime::Result<()> {
    database::add_to_linker::<_, HasSelf<Imports>>(linker, |instance| &mut instance.imports)?;
    configuration::add_to_linker::<_, HasSelf<Imports>>(linker, |instance| &mut instance.imports)
}

impl database::Host for Imports {
    async fn settings(&mut self) -> database::DatabaseSettings {
        self.shared.databases.settings().into()
    }

    async fn pause(&mut self, milliseconds: u32) {
        self.shared.databases.pause(milliseconds).await;
    }

    async fn query(
        &mut self,
        on: database::Source,
        statement: String,
        params: Vec<database::Value>,
    ) -> Result<database::Rows, database::Error> {
        self.wait_for_turn().await;
        let parameters = params.into_iter().map(Into::into).collect();
        let databases = &self.shared.databases;
        match databases.query(on.into(), statement, parameters).await {
            Ok(rows) => Ok(rows.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl configuration::Host for Imports {
    async fn settings(&mut self) -> Result<configuration::ServiceSettings, String> {
        let settings = &self.shared.settings;
        Ok(configuration::ServiceSettings {
            api_token: settings.api_token.clone(),
            protect_reads: settings.protect_reads,
        })
    }
}
