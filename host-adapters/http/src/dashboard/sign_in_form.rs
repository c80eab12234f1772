//! The forms for signing in and out, which any page may hold.

use maud::{Markup, html};

/// Where the form is, and where the forms go.
const SIGN_IN: &str = "/dashboard/sign-in";
const SIGNED_IN: &str = "/dashboard/signed-in";
const SIGN_OUT: &str = "/dashboard/sign-out";

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

/// Whether an address is one of our own pages, and no other site's, such as `//evil.example`.
pub(crate) fn is_page(to: &str) -> bool {
    let path = to.split('?').next().unwrap_or_default();
    matches!(path, "/" | "/dashboard/job" | "/dashboard/items")
        && to.bytes().all(|byte| byte.is_ascii_graphic())
}
