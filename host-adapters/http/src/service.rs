//! From a request to a response.

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};

use crate::access::Access;
use crate::asked::Asked;
use crate::authorization::{self, Caller};
use crate::callers_inventory::CallersInventory;
use crate::cookie::Place;
use crate::dashboard::{self, sign_in};
use crate::deed::Deed;
use crate::inventory::{AnyInventory, Inventory};
use crate::notices::Notices;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::routes::{Audience, Route};
use crate::settings::Settings;

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
    mut request: Request<'_>,
    settings: Result<Settings, String>,
    inventory: &dyn AnyInventory,
    notices: &dyn Notices,
    stale: &mut Option<HeaderValue>,
) -> Result<Response, Problem> {
    let (route, names) = Route::find(&request.method, request.path)?;
    let rules = settings.and_then(|settings| settings.read());
    let rules = rules.map_err(|reason| {
        notices.trouble(&format!("the configuration is wrong: {reason}"));
        Problem::misconfigured(reason)
    })?;
    if route.audience != Audience::Probes {
        rules.hosts.check(request.authority)?;
    }
    if route.is_page()
        && let Some(signed_in) = sign_in::by_address(&request, &rules, notices)
    {
        return signed_in;
    }
    let place = Place::of(&request, &rules);
    let job = names.get("job").map(str::to_owned);
    let needs = (route.access, route.audience == Audience::People);
    let identified = authorization::identify(&request, needs, &rules, notices);
    let (answer, caller, meta_table) = match identified {
        Err(problem) => (Err(problem), Caller::unknown(), None),
        Ok(caller) => {
            let theirs =
                CallersInventory::new(inventory, notices, &rules.tables, caller.is_known());
            let asked = Asked {
                names,
                request: request.for_a_while(),
                caller: &caller,
                rules: &rules,
                inventory: &theirs,
                notices,
            };
            let answer = (caller.check(route.access)).and_then(|()| (route.handler)(asked));
            let answer = answer.map_err(|problem| match theirs.is_refused() {
                true => Problem::forbidden(problem.detail),
                false => problem,
            });
            let named = theirs.named();
            (answer, caller, named)
        }
    };
    if caller.has_stale_cookie() {
        *stale = place.forget();
    }
    if route.access != Access::Open {
        let deed = Deed {
            caller: &caller,
            operation: route.name,
            job: job.as_deref(),
            meta_table: meta_table.as_deref(),
            status: match &answer {
                Ok(response) => response.status(),
                Err(problem) => problem.status,
            },
            error: answer.as_ref().err().map(|problem| problem.error),
        };
        notices.audit(&deed.line());
    }
    answer
}
