//! From a request to a response.

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::api;
use crate::authorization::{self, Access, Caller};
use crate::body::Body;
use crate::callers_inventory::CallersInventory;
use crate::cookie::Place;
use crate::dashboard::{self, Page, sign_in};
use crate::inventory::Inventory;
use crate::notices::{Deed, Notices};
use crate::operation::Operation;
use crate::problem::Problem;
use crate::response::Response;
use crate::settings::{Rules, Settings};

/// A request, whose body has not been read yet.
pub struct Request<'a> {
    /// Its method.
    pub method: Method,
    /// Its path, still encoded.
    pub path: &'a str,
    /// What follows the question mark, still encoded.
    pub query: &'a str,
    /// The host that it names, with its port.
    pub authority: Option<&'a str>,
    /// Whether it came encrypted, as far as its server says.
    pub is_encrypted: bool,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a mut dyn Body,
    /// When it came, in seconds since 1970, to tell people how old something is.
    pub now: Option<u64>,
}

/// Serves a request. `settings` may be a sentence about what is wrong with the configuration.
pub fn answer(
    request: Request<'_>,
    settings: Result<Settings, String>,
    inventory: &impl Inventory,
    notices: &impl Notices,
) -> http::Response<Vec<u8>> {
    let is_head = request.method == Method::HEAD;
    let is_for_people = dashboard::has_pages_at(request.path);
    let page = match (&request.method, request.query) {
        (&Method::GET, query) if !query.is_empty() && !sign_in::has_token(query) => {
            format!("{}?{query}", request.path)
        }
        (&Method::GET, _) => request.path.to_owned(),
        _ => "/".into(),
    };
    let mut stale = None;
    let answer = serve(request, settings, inventory, notices, &mut stale);
    let mut response = answer.unwrap_or_else(|problem| match is_for_people {
        true => dashboard::problem(problem, &page),
        false => problem.into_response(),
    });
    if let Some(forget) = stale {
        response.headers_mut().insert(SET_COOKIE, forget);
    }
    if is_head {
        // Its length would be that of the body that is left out, which not every host lets one say.
        response.body_mut().clear();
    } else if response.status() != StatusCode::NO_CONTENT {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}

/// Serves a request. `stale` becomes what has a browser forget a token that is none any more.
fn serve(
    request: Request<'_>,
    settings: Result<Settings, String>,
    inventory: &impl Inventory,
    notices: &impl Notices,
    stale: &mut Option<HeaderValue>,
) -> Result<Response, Problem> {
    let operation = Operation::find(&request.method, request.path)?;
    let rules = settings.and_then(|settings| settings.read());
    let rules = rules.map_err(|reason| {
        notices.trouble(&format!("the configuration is wrong: {reason}"));
        Problem::misconfigured(reason)
    })?;
    // Probes go by addresses, and are told nothing.
    if operation != Operation::Health {
        rules.hosts.check(request.authority)?;
    }
    if let Some(signed_in) = sign_in::by_address(&request, &operation, &rules, notices) {
        return signed_in;
    }
    let place = Place::of(&request, &rules);
    let access = operation.access();
    let (name, job) = (operation.name(), operation.job().map(str::to_owned));
    let (answer, caller, meta_table) =
        match authorization::identify(&request, &operation, &rules, notices) {
            Err(problem) => (Err(problem), Caller::unknown(), None),
            Ok(caller) => {
                let tables = &rules.tables;
                let known = caller.is_known();
                let theirs = CallersInventory::new(inventory, notices, tables, known);
                let answer = caller
                    .check(access)
                    .and_then(|()| carry_out(operation, request, &caller, &rules, &theirs));
                let answer = answer.map_err(|problem| match theirs.is_refused() {
                    true => Problem::forbidden(problem.detail),
                    false => problem,
                });
                (answer, caller, theirs.named())
            }
        };
    if caller.has_stale_cookie() {
        *stale = place.forget();
    }
    if access != Access::Open {
        let problem = answer.as_ref().err();
        let deed = Deed {
            caller: &caller,
            operation: name,
            job: job.as_deref(),
            meta_table: meta_table.as_deref(),
            status: match &answer {
                Ok(response) => response.status(),
                Err(problem) => problem.status,
            },
            error: problem.map(|problem| problem.error),
        };
        notices.audit(&deed.line());
    }
    answer
}

fn carry_out<I: Inventory, N: Notices>(
    operation: Operation,
    request: Request<'_>,
    caller: &Caller<'_>,
    rules: &Rules,
    inventory: &CallersInventory<'_, I, N>,
) -> Result<Response, Problem> {
    match operation {
        Operation::Dashboard(Page::TakeToken) => sign_in::take(request, rules, inventory.notices),
        Operation::Dashboard(Page::ForgetToken) => sign_in::forget(&request, rules),
        Operation::Dashboard(page) => dashboard::show(page, request, caller, rules, inventory),
        operation => api::call(operation, request, caller, inventory),
    }
}
