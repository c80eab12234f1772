//! From a request to a response.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::authorization;
use crate::body::Body;
use crate::inventory::Inventory;
use crate::operation::Operation;
use crate::problem::Problem;
use crate::response::Response;
use crate::{api, dashboard};

/// Who may do what: the record `service-settings` of `wit/http.wit`.
#[derive(Clone, Default)]
pub struct Settings {
    /// The token that callers must send; without one nothing can be written.
    pub api_token: Option<String>,
    /// Whether reading needs the token too.
    pub protect_reads: bool,
}

impl Settings {
    /// The token, where there is one: an empty one is none.
    pub(crate) fn token(&self) -> Option<&str> {
        self.api_token.as_deref().filter(|token| !token.is_empty())
    }
}

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
) -> http::Response<Vec<u8>> {
    let is_head = request.method == Method::HEAD;
    let is_for_people = dashboard::has_pages_at(request.path);
    let mut response =
        serve(request, settings, inventory).unwrap_or_else(|problem| match is_for_people {
            true => dashboard::problem(problem),
            false => problem.into_response(),
        });
    if is_head {
        // Its length would be that of the body that is left out, which not every host lets one say.
        response.body_mut().clear();
    } else if response.status() != StatusCode::NO_CONTENT {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}

fn serve(
    request: Request<'_>,
    settings: Result<Settings, String>,
    inventory: &impl Inventory,
) -> Result<Response, Problem> {
    let operation = Operation::find(&request.method, request.path)?;
    let settings = settings.map_err(Problem::misconfigured)?;
    authorization::check(request.headers, operation.access(), &settings)?;
    match operation {
        Operation::Dashboard(page) => dashboard::show(page, request, &settings, inventory),
        operation => api::call(operation, request, inventory),
    }
}
