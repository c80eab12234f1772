//! Who is calling, and what they may do.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderName, ORIGIN};
use http::{HeaderMap, Method};

use crate::access::Access;
use crate::cookie::Place;
use crate::notices::Notices;
use crate::problem::Problem;
use crate::request::Request;
use crate::same_site;
use crate::settings::Rules;
use crate::token::Token;

/// Who is calling.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    token: Option<&'a Token>,
    by_cookie: bool,
    has_stale_cookie: bool,
    public_reads: bool,
}

impl<'a> Caller<'a> {
    /// Somebody without a token.
    pub(crate) fn unknown() -> Self {
        Self {
            token: None,
            by_cookie: false,
            has_stale_cookie: false,
            public_reads: false,
        }
    }

    /// Somebody with this token.
    pub(crate) fn with(token: &'a Token) -> Self {
        Self {
            token: Some(token),
            ..Self::unknown()
        }
    }

    /// The name of the caller's token.
    pub(crate) fn name(&self) -> Option<&'a str> {
        self.token.map(|token| token.name.as_str())
    }

    /// Whether the caller has a token, and so may be told more than others.
    pub(crate) fn is_known(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the caller's browser keeps the token.
    pub(crate) fn by_cookie(&self) -> bool {
        self.by_cookie
    }

    /// Whether the caller's browser keeps a token that is none any more.
    pub(crate) fn has_stale_cookie(&self) -> bool {
        self.has_stale_cookie
    }

    /// Whether the caller may do what needs this.
    pub(crate) fn may(&self, access: Access) -> bool {
        let roles = self.token.map(|token| token.roles).unwrap_or_default();
        match access {
            Access::Open => true,
            Access::Known => self.is_known() || self.public_reads,
            Access::Inventory => roles.read || roles.admin || self.public_reads,
            Access::Read => roles.read || roles.admin,
            Access::Work => roles.work || roles.admin,
            Access::Admin => roles.admin,
        }
    }

    /// Lets the caller do what needs this.
    pub(crate) fn check(&self, access: Access) -> Result<(), Problem> {
        if self.may(access) {
            return Ok(());
        }
        let Some(token) = self.token else {
            return Err(Problem::unauthorized());
        };
        let role = match access {
            Access::Open | Access::Known | Access::Inventory | Access::Read => "read",
            Access::Work => "work",
            Access::Admin => "admin",
        };
        Err(Problem::forbidden(format!(
            "the token of {:?} may not do this: it needs the role {role}, and has {}",
            token.name, token.roles
        )))
    }
}

/// Where a token came from.
enum Sent {
    /// A program's header.
    Bearer(Vec<u8>),
    /// A header as browsers, too, may send it.
    Basic(Vec<u8>),
    /// A header that is none of these.
    Unreadable,
}

/// Finds out who is calling, to do what needs this access. A browser may keep the token of who only reads, and
/// of `people`.
///
/// # Errors
///
/// When a token was sent that is none, or by a page of another site.
pub(crate) fn identify<'a>(
    request: &Request<'_>,
    (access, people): (Access, bool),
    rules: &'a Rules,
    notices: &dyn Notices,
) -> Result<Caller<'a>, Problem> {
    let mut caller = Caller {
        public_reads: rules.public_reads,
        ..Caller::unknown()
    };
    if access == Access::Open {
        return Ok(caller);
    }
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    match sent(request.headers) {
        Some(Sent::Bearer(token)) => caller.token = rules.tokens.find(&token),
        Some(Sent::Basic(token)) => {
            // A browser adds it to whatever it sends here, also where another site makes it send something.
            if !is_read && comes_from_a_browser(request.headers) {
                same_site::check(request.headers, request.authority, rules.hosts.public())?;
            }
            caller.token = rules.tokens.find(&token);
        }
        Some(Sent::Unreadable) => {}
        None => {
            // The API's operations that change something are for programs, which send a header.
            if is_read || people {
                let place = Place::of(request, rules);
                if let Some(token) = place.token(request.headers) {
                    caller.token = rules.tokens.find(&token);
                    caller.by_cookie = caller.token.is_some();
                    caller.has_stale_cookie = caller.token.is_none();
                }
            }
            if caller.has_stale_cookie {
                notices.wrong_token();
            }
            return match rules.tokens.are_none() && !caller.may(access) {
                true => Err(Problem::forbidden(
                    "the service has no access token, so nobody may do this; configure one",
                )),
                false => Ok(caller),
            };
        }
    }
    if caller.token.is_none() {
        notices.wrong_token();
        return Err(Problem::wrong_token());
    }
    Ok(caller)
}

fn comes_from_a_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key(HeaderName::from_static("sec-fetch-site"))
}

/// The token of the one `Authorization` header, if there is any.
fn sent(headers: &HeaderMap) -> Option<Sent> {
    let mut found = headers.get_all(AUTHORIZATION).iter();
    let header = found.next()?;
    if found.next().is_some() {
        return Some(Sent::Unreadable);
    }
    Some(read(header.to_str().unwrap_or_default()).unwrap_or(Sent::Unreadable))
}

/// The token of a `Bearer` header, or the password of a `Basic` one.
fn read(header: &str) -> Option<Sent> {
    let (scheme, credentials) = header.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Sent::Bearer(credentials.into()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = BASE64_STANDARD.decode(credentials).ok()?;
        let colon = pair.iter().position(|&byte| byte == b':')?;
        return Some(Sent::Basic(pair.get(colon + 1..)?.to_vec()));
    }
    None
}
