//! The HTTP service over databases of the host.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use batchintory::Database as _;
use batchintory_wasmtime::{ClaimQueues, Databases};
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
    component: HttpComponent<Imports>,
    imports: Imports,
    claims: ClaimQueues,
}

/// What the component's imports work on.
#[derive(Clone)]
struct Imports {
    databases: Databases,
    settings: ServiceSettings,
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
        let component = HttpComponent::compile(Self::EMBEDDED, add_imports)?;
        Ok(Self {
            shared: Arc::new(Shared {
                component,
                imports: Imports {
                    databases,
                    settings,
                },
                claims: ClaimQueues::default(),
            }),
        })
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
        let shared = &self.shared;
        let claimed_job = claimed_job(&request).map(str::to_owned);
        let answer = shared.component.handle(shared.imports.clone(), request);
        match claimed_job {
            // Of claims that race for a job one wins: those that come to this process take turns.
            Some(job) => shared.claims.in_turn("", &job, answer).await,
            None => answer.await,
        }
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
        self.databases.settings().into()
    }

    async fn pause(&mut self, milliseconds: u32) {
        self.databases.pause(milliseconds).await;
    }

    async fn query(
        &mut self,
        on: database::Source,
        statement: String,
        params: Vec<database::Value>,
    ) -> Result<database::Rows, database::Error> {
        let parameters = params.into_iter().map(Into::into).collect();
        match self.databases.query(on.into(), statement, parameters).await {
            Ok(rows) => Ok(rows.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl configuration::Host for Imports {
    async fn settings(&mut self) -> Result<configuration::ServiceSettings, String> {
        Ok(configuration::ServiceSettings {
            api_token: self.settings.api_token.clone(),
            protect_reads: self.settings.protect_reads,
        })
    }
}
