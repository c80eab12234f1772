//! What all pages share.

use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use maud::{DOCTYPE, Markup, html};

use super::assets::{SCRIPT, STYLE};
use super::{sign_in_form, time};
use crate::problem::Problem;
use crate::response::{self, Response};

/// Nothing but our own style sheet and script; no page of others may show ours.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A small band, so that no browser asks for `/favicon.ico`.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
                    %3Cpath fill='%231d7f4e' d='M0 4h9v8H0z'/%3E%3Cpath fill='%232563c9' d='M9 4h3v8H9z'/%3E\
                    %3Cpath fill='%23aab' d='M12 4h4v8h-4z'/%3E%3C/svg%3E";

const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// A page.
pub(crate) struct Layout {
    /// What a window's title says before the program's name.
    pub(crate) title: String,
    /// What stands in the form that looks for an item.
    pub(crate) search: Search,
    /// Whether the reader's browser keeps a token.
    pub(crate) is_signed_in: bool,
    /// When it is made, in seconds; it is fetched again by itself where this is known.
    pub(crate) now: Option<i64>,
}

/// What stands in the form that looks for an item.
#[derive(Default)]
pub(crate) struct Search {
    /// The meta table.
    pub(crate) meta_table: String,
    /// The item's id.
    pub(crate) uid: String,
}

impl Layout {
    /// The page with its main part.
    pub(crate) fn page(self, main: &Markup) -> Response {
        let markup = document(
            &self.title,
            &html! {
                script src=(SCRIPT.address()) defer {}
            },
            &html! {
                (search(&self.search))
                p class="refresh" {
                    a id="refresh" href="" { "Refresh" }
                    // The script shows it.
                    button id="pause" type="button" aria-pressed="false" hidden { "Pause" }
                    span id="refreshing" role="status" {}
                }
                (sign_in_form::button(self.is_signed_in))
            },
            &html! {
                (main)
                @if let Some(now) = self.now {
                    p class="as-of" { "As of " (time::written(now)) }
                }
            },
        );
        html_response(response::bytes(
            StatusCode::OK,
            MEDIA_TYPE,
            markup.into_string().into_bytes(),
        ))
    }
}

/// A problem as a page.
pub(crate) fn problem(problem: Problem, page: &str) -> Response {
    let main = html! {
        @if problem.status != StatusCode::UNAUTHORIZED {
            h1 { (problem.status.canonical_reason().unwrap_or("Problem")) }
            p class="problem" { (problem.detail) }
        } @else if problem.is_of_a_wrong_token {
            p class="problem" role="alert" { (problem.detail) }
        }
        @if problem.error == "no-such-table" {
            p { "Where it is the inventory that is missing, make it: " code { "batchintory migrate" } ", or "
                code { "POST /v1/migrate" } " with the API token." }
        }
        @if problem.status == StatusCode::UNAUTHORIZED {
            (sign_in_form::form(page))
        } @else {
            p { a href="/" { "All jobs" } }
        }
    };
    let markup = document(&problem.status.to_string(), &html! {}, &html! {}, &main);
    let mut response = problem.into_response();
    *response.body_mut() = markup.into_string().into_bytes();
    html_response(response)
}

/// A page without anything about jobs.
pub(crate) fn bare(status: StatusCode, title: &str, main: &Markup) -> Response {
    let markup = document(title, &html! {}, &html! {}, main);
    html_response(response::bytes(
        status,
        MEDIA_TYPE,
        markup.into_string().into_bytes(),
    ))
}

fn html_response(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Not `no-referrer`, with which browsers would not tell us the origin of our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn document(title: &str, head: &Markup, header: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – batchintory" }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href=(STYLE.address());
                (head)
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                header {
                    a class="brand" href="/" { "batchintory" }
                    (header)
                }
                main id="main" tabindex="-1" { (main) }
            }
        }
    }
}

fn search(search: &Search) -> Markup {
    html! {
        form class="search" role="search" action="/dashboard/items" {
            label { span { "Meta table" } input name="meta_table" value=(search.meta_table) required; }
            label { span { "Item’s id" } input name="uid" value=(search.uid) required inputmode="numeric" pattern="[+\\-]?[0-9]+"; }
            button { "Find its history" }
        }
    }
}
