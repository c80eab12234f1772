//! Signing in and out: a browser keeps the token as a cookie.

use http::header::{HeaderValue, LOCATION, SET_COOKIE};
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::Page;
use super::layout;
use crate::authorization::Caller;
use crate::body;
use crate::cookie::Place;
use crate::notices::{Deed, Notices};
use crate::operation::Operation;
use crate::problem::Problem;
use crate::response::{self, Response};
use crate::same_site;
use crate::service::Request;
use crate::settings::Rules;

/// Where the form is, and where the forms go.
const SIGN_IN: &str = "/dashboard/sign-in";
const SIGNED_IN: &str = "/dashboard/signed-in";
const SIGN_OUT: &str = "/dashboard/sign-out";

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
pub(crate) fn page() -> Response {
    layout::bare(StatusCode::OK, "Sign in", &form("/"))
}

/// The form that asks for a token.
pub(crate) fn form(to: &str) -> Markup {
    html! {
        h1 { "Sign in" }
        p { "This needs an access token. The browser keeps it until it is closed." }
        form class="sign-in" method="post" action=(SIGNED_IN) {
            input type="hidden" name="to" value=(if is_page(to) { to } else { "/" });
            label { span { "Access token" }
                input id="token" name="token" type="password" autocomplete="current-password" required; }
            button class="main" { "Sign in" }
        }
    }
}

/// A link to the form, or a button that signs out.
pub(crate) fn button(is_signed_in: bool) -> Markup {
    html! {
        @if is_signed_in {
            form class="sign-out" method="post" action=(SIGN_OUT) { button id="sign-out" { "Sign out" } }
        } @else {
            a id="sign-in" href=(SIGN_IN) { "Sign in" }
        }
    }
}

/// Takes a form with a token.
pub(crate) fn take(
    request: Request<'_>,
    rules: &Rules,
    notices: &impl Notices,
) -> Result<Response, Problem> {
    same_site::check(request.headers, request.authority, rules.hosts.public())?;
    let place = Place::of(&request, rules);
    let form: Form = body::form(request.headers, request.body, MAX_FORM_BYTES)?;
    let to = if is_page(&form.to) { &form.to } else { "/" };
    signed_in(form.token.trim(), to, place, rules, notices)
}

/// Has a browser forget its token.
pub(crate) fn forget(request: &Request<'_>, rules: &Rules) -> Result<Response, Problem> {
    same_site::check(request.headers, request.authority, rules.hosts.public())?;
    let mut response = see_other("/");
    if let Some(cookie) = Place::of(request, rules).forget() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Takes the token of an address such as `/?token=…`, and leads to the same address without it, so that it
/// stands neither in the browser's history nor where links lead. `None` where there is no token.
pub(crate) fn by_address(
    request: &Request<'_>,
    operation: &Operation,
    rules: &Rules,
    notices: &impl Notices,
) -> Option<Result<Response, Problem>> {
    let is_page = matches!(
        operation,
        Operation::Dashboard(Page::Home | Page::Job | Page::Items)
    );
    if !is_page || request.method != Method::GET {
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
    notices: &impl Notices,
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

/// Whether an address is one of our own pages, and no other site's, such as `//evil.example`.
fn is_page(to: &str) -> bool {
    let path = to.split('?').next().unwrap_or_default();
    matches!(path, "/" | "/dashboard/job" | "/dashboard/items")
        && to.bytes().all(|byte| byte.is_ascii_graphic())
}

fn see_other(to: &str) -> Response {
    let mut response = response::bytes(
        StatusCode::SEE_OTHER,
        "text/plain; charset=utf-8",
        Vec::new(),
    );
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}
