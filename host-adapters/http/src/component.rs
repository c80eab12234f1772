//! The `wasi:http` component: the only file that knows binding generators.

use std::future::{Future, ready};

use batchintory::{Answer, Call, Error, Operations, Settings as Databases};
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
use crate::request::Request;
use crate::response::Response;
use crate::service::answer;
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
    let stream = outgoing_body.write().ok();
    // A host may send the head as soon as it is set. What is written before goes with it: in a segment
    // of its own it might wait for the client's acknowledgement, which takes 40 ms.
    let left = (stream.as_ref()).map(|stream| write_at_once(stream, &body));
    ResponseOutparam::set(out, Ok(outgoing));
    if let (Some(stream), Some(Ok(left))) = (&stream, left) {
        let _ = write(stream, left);
    }
    drop(stream);
    let _ = OutgoingBody::finish(outgoing_body, None);
}

/// Writes as much as the stream takes without waiting; gives back what is left.
fn write_at_once<'a>(stream: &OutputStream, mut bytes: &'a [u8]) -> Result<&'a [u8], StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            break;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    Ok(bytes)
}

fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    let ready = stream.subscribe();
    loop {
        bytes = write_at_once(stream, bytes)?;
        if bytes.is_empty() {
            return stream.blocking_flush();
        }
        ready.block();
    }
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

fn list<T, W: Into<T>>(records: Vec<W>) -> Vec<T> {
    records.into_iter().map(Into::into).collect()
}

impl Planner {
    fn answer(call: Call) -> Result<Answer, import::Error> {
        Ok(match call {
            Call::Acquire {
                request,
                claim_token,
            } => {
                let acquisition = import::acquire(&request.into(), claim_token.as_deref())?;
                Answer::Acquire(acquisition.into())
            }
            Call::Advance {
                done,
                request,
                claim_token,
                items,
            } => {
                let done = done.map(Into::into);
                let token = claim_token.as_deref();
                let advanced = import::advance(done.as_ref(), &request.into(), token, items)?;
                Answer::Advance(advanced.into())
            }
            Call::AcquireMany {
                request,
                batches,
                claim_token,
            } => {
                let token = claim_token.as_deref();
                let batches = import::acquire_many(&request.into(), batches, token)?;
                Answer::AcquireMany(list(batches))
            }
            Call::Batch { claim_token } => Answer::Batch(import::batch(&claim_token)?.into()),
            Call::Items {
                claim_token,
                after,
                limit,
            } => Answer::Items(list(import::items(&claim_token, after, limit)?)),
            Call::ItemsStatement { claim_token } => {
                Answer::ItemsStatement(import::items_statement(&claim_token)?.map(Into::into))
            }
            Call::Heartbeat {
                claim_token,
                lease_seconds,
            } => Answer::Heartbeat(import::heartbeat(&claim_token, lease_seconds)?),
            Call::Complete {
                claim_token,
                outcome,
            } => Answer::Complete(import::complete(&claim_token, &outcome.into())?),
            Call::Release { claim_token, log } => {
                Answer::Release(import::release(&claim_token, log.as_deref())?)
            }
            Call::Plan {
                request,
                after,
                batches,
            } => Answer::Plan(import::plan(&request.into(), after, batches)?.into()),
            Call::Progress { request, cap } => {
                Answer::Progress(import::progress(&request.into(), cap)?.into())
            }
            Call::Warnings { request } => Answer::Warnings(import::warnings(&request.into())?),
            Call::Requeue {
                meta_table,
                job,
                target,
            } => Answer::Requeue(import::requeue(&meta_table, &job, &target.into())?),
            Call::Audit {
                meta_table,
                job,
                after,
                limit,
            } => Answer::Audit(import::audit(&meta_table, &job, after, limit)?.into()),
            Call::Jobs { query } => Answer::Jobs(list(import::jobs(&query.into())?)),
            Call::History { query } => Answer::History(list(import::history(&query.into())?)),
            Call::SchemaStatements { dialect } => {
                Answer::SchemaStatements(import::schema_statements(dialect.into())?)
            }
            Call::Notifications { meta_table } => {
                Answer::Notifications(import::notifications(&meta_table)?.map(Into::into))
            }
            Call::Migrate {} => Answer::Migrate(import::migrate()?.into()),
        })
    }
}

impl Operations for Planner {
    type Error = Error;

    fn call(&self, call: Call) -> impl Future<Output = Result<Answer, Error>> + Send {
        ready(Self::answer(call).map_err(Into::into))
    }
}

impl Inventory for Planner {
    fn databases(&self) -> Databases {
        database::settings().into()
    }
}
