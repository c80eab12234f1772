//! The cookie by which a browser that has signed in is known.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::request::Request;
use crate::settings::Rules;

/// Where and how the service is asked for, which decides on its cookie.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The host that the request names, with its port.
    pub(crate) authority: Option<&'a str>,
    /// Whether browsers come by HTTPS.
    pub(crate) is_https: bool,
}

impl<'a> Place<'a> {
    pub(crate) fn of(request: &Request<'a>, rules: &Rules) -> Self {
        Self {
            authority: request.authority,
            is_https: rules.hosts.are_https() || request.is_encrypted,
        }
    }

    /// Browsers keep cookies for a host, whatever the port: services on several ports would take each
    /// other's away.
    fn name(self) -> String {
        let port = self
            .authority
            .and_then(|authority| authority.rsplit_once(':'))
            .map(|(_, port)| port)
            .filter(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
        match port {
            Some(port) => format!("batchintory-token-{port}"),
            None => "batchintory-token".into(),
        }
    }

    /// The token of a browser's cookie.
    pub(crate) fn token(self, headers: &HeaderMap) -> Option<Vec<u8>> {
        let name = self.name();
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| percent_decode_str(value).collect())
    }

    /// Has a browser keep a token until it is closed. No script sees it, and no other site can have it sent.
    pub(crate) fn keep(self, token: &str) -> Option<HeaderValue> {
        self.header(
            &utf8_percent_encode(token, NON_ALPHANUMERIC).to_string(),
            "",
        )
    }

    /// Has a browser forget its token.
    pub(crate) fn forget(self) -> Option<HeaderValue> {
        self.header("", "; Max-Age=0")
    }

    fn header(self, value: &str, end: &str) -> Option<HeaderValue> {
        let secure = if self.is_https { "; Secure" } else { "" };
        let name = self.name();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}");
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_was_kept() {
        let place = Place {
            authority: Some("localhost:8080"),
            is_https: false,
        };
        let kept = place.keep("a+b/c=\"%,\\d").unwrap();
        let kept = kept.to_str().unwrap();
        let (cookie, attributes) = kept.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict");
        let mut headers = HeaderMap::new();
        let sent = format!("other=1; {cookie}; batchintory-token=x");
        headers.insert(COOKIE, HeaderValue::try_from(sent).unwrap());
        assert_eq!(place.token(&headers), Some(b"a+b/c=\"%,\\d".to_vec()));
        let elsewhere = Place {
            authority: Some("localhost:8081"),
            is_https: true,
        };
        assert_eq!(elsewhere.token(&headers), None);
        let forgotten = elsewhere.forget().unwrap();
        let forgotten = forgotten.to_str().unwrap();
        assert!(forgotten.contains("; Secure") && forgotten.contains("Max-Age=0"));
    }
}
