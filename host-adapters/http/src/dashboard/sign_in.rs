//! Signing in and out: a browser keeps the token as a cookie.

use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::layout;
use super::sign_in_form::{form, is_page};
use crate::asked::Asked;
use crate::authorization::Caller;
use crate::body;
use crate::cookie::Place;
use crate::deed::Deed;
use crate::notices::Notices;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::{Response, see_other};
use crate::same_site;
use crate::settings::Rules;

/// The longest form: a token and an address.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// The field of an address that holds a token.
const FIELD: &str = "token";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    token: String,
    /// The page to go on with.
    #[serde(default)]
    to: String,
}

/// The page with the form alone.
pub(crate) fn page(_: Asked<'_>) -> Result<Response, Problem> {
    Ok(layout::bare(StatusCode::OK, "Sign in", &form("/")))
}

/// Takes a form with a token.
pub(crate) fn take(asked: Asked<'_>) -> Result<Response, Problem> {
    let Asked {
        request,
        rules,
        notices,
        ..
    } = asked;
    same_site::check(request.headers, request.authority, rules.hosts.public())?;
    let place = Place::of(&request, rules);
    let form: Form = body::form(request.headers, request.body, MAX_FORM_BYTES)?;
    let to = if is_page(&form.to) { &form.to } else { "/" };
    signed_in(form.token.trim(), to, place, rules, notices)
}

/// Has a browser forget its token.
pub(crate) fn forget(asked: Asked<'_>) -> Result<Response, Problem> {
    let Asked { request, rules, .. } = asked;
    same_site::check(request.headers, request.authority, rules.hosts.public())?;
    let mut response = see_other("/");
    if let Some(cookie) = Place::of(&request, rules).forget() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Takes the token of an address such as `/?token=…`, and leads to the same address without it, so that it
/// stands neither in the browser's history nor where links lead. `None` where there is no token.
pub(crate) fn by_address(
    request: &Request<'_>,
    rules: &Rules,
    notices: &dyn Notices,
) -> Option<Result<Response, Problem>> {
    if request.method != Method::GET {
        return None;
    }
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(request.query).ok()?;
    let (tokens, others): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(name, _)| name == FIELD);
    let (_, token) = tokens.into_iter().next()?;
    let query = serde_urlencoded::to_string(others).unwrap_or_default();
    let to = match query.is_empty() {
        true => request.path.to_owned(),
        false => format!("{}?{query}", request.path),
    };
    let place = Place::of(request, rules);
    Some(signed_in(token.trim(), &to, place, rules, notices))
}

/// Whether an address may hold a token, right or wrong, which no page is to repeat.
pub(crate) fn has_token(query: &str) -> bool {
    let fields: Result<Vec<(String, String)>, _> = serde_urlencoded::from_str(query);
    fields.is_ok_and(|fields| fields.iter().any(|(name, _)| name == FIELD))
}

fn signed_in(
    sent: &str,
    to: &str,
    place: Place<'_>,
    rules: &Rules,
    notices: &dyn Notices,
) -> Result<Response, Problem> {
    let Some(token) = rules.tokens.find(sent.as_bytes()) else {
        notices.wrong_token();
        return Err(Problem::wrong_token());
    };
    let mut response = see_other(to);
    if let Some(cookie) = place.keep(token.secret()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    let deed = Deed {
        caller: &Caller::with(token),
        operation: "sign-in",
        job: None,
        meta_table: None,
        status: response.status(),
        error: None,
    };
    notices.audit(&deed.line());
    Ok(response)
}
