//! The `wasi:http` component: the only file that knows binding generators.

use batchintory::{
    AcquireRequest, Acquisition, Attempt, AuditPage, Batch, BatchPlan, Dialect, Error,
    HistoryQuery, Item, JobProgress, JobSummary, JobsQuery, Migration, Outcome, RequeueTarget,
    Settings as Databases,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, Method as WasiMethod, OutgoingBody,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasi::io::poll;
use wasi::io::streams::{OutputStream, StreamError};

use crate::body::{Body, BodyError};
use crate::inventory::Inventory;
use crate::notices::Notices;
use crate::problem::Problem;
use crate::response::Response;
use crate::service::{Request, answer};
use crate::settings::Settings;

mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "wit"],
        world: "batchintory:http/service",
        generate_all,
    });
}

use bindings::batchintory::http::{configuration, notices};
use bindings::batchintory::inventory::database;
use bindings::batchintory::inventory::inventory as import;

batchintory::boundary!(
    database = crate::component::bindings::batchintory::inventory::database,
    inventory = crate::component::bindings::batchintory::inventory::inventory
);

/// How long a body may take to come, in nanoseconds.
const MAX_BODY_TIME: u64 = 10_000_000_000;

/// How much of a body is taken at once, in bytes.
const CHUNK: u64 = 64 * 1024;

struct Component;

wasi::http::proxy::export!(Component);

impl wasi::exports::http::incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let response = serve(&request).unwrap_or_else(Problem::into_response);
        send(response, response_out);
    }
}

fn serve(request: &IncomingRequest) -> Result<Response, Problem> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let settings = configuration::settings().map(|settings| Settings {
        api_token: settings.api_token,
        api_tokens: settings.api_tokens,
        public_reads: settings.public_reads,
        allowed_tables: settings.allowed_tables,
        public_url: settings.public_url,
        loopback: settings.loopback,
    });
    let authority = request.authority();
    let request = Request {
        method: method(&request.method())?,
        path,
        query,
        authority: authority.as_deref(),
        is_encrypted: matches!(request.scheme(), Some(Scheme::Https)),
        headers: &headers(&request.headers())?,
        body: &mut Incoming(request.consume().ok()),
        now: Some(wall_clock::now().seconds),
    };
    Ok(answer(request, settings, &Planner, &Host))
}

fn method(method: &WasiMethod) -> Result<Method, Problem> {
    Ok(match method {
        WasiMethod::Get => Method::GET,
        WasiMethod::Head => Method::HEAD,
        WasiMethod::Post => Method::POST,
        WasiMethod::Put => Method::PUT,
        WasiMethod::Delete => Method::DELETE,
        WasiMethod::Connect => Method::CONNECT,
        WasiMethod::Options => Method::OPTIONS,
        WasiMethod::Trace => Method::TRACE,
        WasiMethod::Patch => Method::PATCH,
        WasiMethod::Other(other) => Method::from_bytes(other.as_bytes())
            .map_err(|_| Problem::invalid_request("the method has characters that none has"))?,
    })
}

fn headers(fields: &Fields) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.entries() {
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(&value),
        ) else {
            return Err(Problem::invalid_request(
                "a header has characters that none has",
            ));
        };
        let full = headers.try_append(name, value).is_err();
        if full {
            return Err(Problem::invalid_request("too many headers"));
        }
    }
    Ok(headers)
}

/// A body that comes in by and by.
struct Incoming(Option<IncomingBody>);

impl Body for Incoming {
    fn read(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let Some(body) = self.0.take() else {
            return Ok(Vec::new());
        };
        let stream = body.stream().map_err(|()| BodyError::Broken)?;
        let deadline = monotonic_clock::subscribe_duration(MAX_BODY_TIME);
        let more = stream.subscribe();
        let mut bytes = Vec::new();
        loop {
            match stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => {
                    poll::poll(&[&more, &deadline]);
                    // Whatever comes drop by drop ends here too.
                    if deadline.ready() {
                        return Err(BodyError::TooSlow);
                    }
                }
                Ok(chunk) => bytes.extend(chunk),
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Broken),
            }
            if bytes.len() > limit {
                return Err(BodyError::TooLarge);
            }
        }
    }
}

/// Sends a response. Nobody is left to tell when that fails: the client has gone.
fn send(response: Response, out: ResponseOutparam) {
    let (parts, body) = response.into_parts();
    let fields = Fields::new();
    for (name, value) in &parts.headers {
        // Refused are only headers that a server sets by itself.
        let _ = fields.append(name.as_str(), value.as_bytes());
    }
    let outgoing = OutgoingResponse::new(fields);
    let _ = outgoing.set_status_code(parts.status.as_u16());
    let Ok(outgoing_body) = outgoing.body() else {
        ResponseOutparam::set(out, Err(ErrorCode::InternalError(None)));
        return;
    };
    ResponseOutparam::set(out, Ok(outgoing));
    if let Ok(stream) = outgoing_body.write() {
        let _ = write(&stream, &body);
    }
    let _ = OutgoingBody::finish(outgoing_body, None);
}

fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    let ready = stream.subscribe();
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            ready.block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    stream.blocking_flush()
}

/// Whoever runs this component.
struct Host;

impl Notices for Host {
    fn audit(&self, line: &str) {
        notices::audit(line);
    }

    fn trouble(&self, line: &str) {
        notices::trouble(line);
    }

    fn wrong_token(&self) {
        notices::wrong_token();
    }
}

/// The planner that is composed with this component.
struct Planner;

fn one<T, W: Into<T>>(answer: Result<W, import::Error>) -> Result<T, Error> {
    answer.map(Into::into).map_err(Into::into)
}

fn list<T, W: Into<T>>(answer: Result<Vec<W>, import::Error>) -> Result<Vec<T>, Error> {
    match answer {
        Ok(records) => Ok(records.into_iter().map(Into::into).collect()),
        Err(error) => Err(error.into()),
    }
}

impl Inventory for Planner {
    fn databases(&self) -> Databases {
        database::settings().into()
    }

    fn acquire(
        &self,
        request: AcquireRequest,
        claim_token: Option<&str>,
    ) -> Result<Acquisition, Error> {
        one(import::acquire(&request.into(), claim_token))
    }

    fn acquire_many(
        &self,
        request: AcquireRequest,
        batches: u32,
        claim_token: Option<&str>,
    ) -> Result<Vec<Batch>, Error> {
        list(import::acquire_many(&request.into(), batches, claim_token))
    }

    fn items(&self, claim_token: &str, after: Option<i64>, limit: u32) -> Result<Vec<Item>, Error> {
        list(import::items(claim_token, after, limit))
    }

    fn heartbeat(&self, claim_token: &str, lease_seconds: u32) -> Result<(), Error> {
        one(import::heartbeat(claim_token, lease_seconds))
    }

    fn complete(&self, claim_token: &str, outcome: Outcome) -> Result<(), Error> {
        one(import::complete(claim_token, &outcome.into()))
    }

    fn plan(
        &self,
        request: AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<BatchPlan, Error> {
        one(import::plan(&request.into(), after, batches))
    }

    fn progress(&self, request: AcquireRequest, cap: u64) -> Result<JobProgress, Error> {
        one(import::progress(&request.into(), cap))
    }

    fn warnings(&self, request: AcquireRequest) -> Result<Vec<String>, Error> {
        one(import::warnings(&request.into()))
    }

    fn requeue(&self, meta_table: &str, job: &str, target: RequeueTarget) -> Result<u64, Error> {
        one(import::requeue(meta_table, job, &target.into()))
    }

    fn audit(
        &self,
        meta_table: &str,
        job: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, Error> {
        one(import::audit(meta_table, job, after, limit))
    }

    fn jobs(&self, query: JobsQuery) -> Result<Vec<JobSummary>, Error> {
        list(import::jobs(&query.into()))
    }

    fn history(&self, query: HistoryQuery) -> Result<Vec<Attempt>, Error> {
        list(import::history(&query.into()))
    }

    fn schema_statements(&self, dialect: Dialect) -> Result<Vec<String>, Error> {
        one(import::schema_statements(match dialect {
            Dialect::Postgresql => database::Dialect::Postgresql,
            Dialect::Sqlite => database::Dialect::Sqlite,
            Dialect::Mysql => database::Dialect::Mysql,
        }))
    }

    fn migrate(&self) -> Result<Migration, Error> {
        one(import::migrate())
    }
}
