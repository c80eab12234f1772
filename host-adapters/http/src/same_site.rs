//! Whether a form was sent by one of our own pages.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

use crate::problem::Problem;

/// Lets a form through that a page of ours has sent.
///
/// A browser that knows a token adds it to whatever it sends here, also where another site makes
/// it send something. But it tells where that comes from: in `Sec-Fetch-Site`, or, over plain HTTP and
/// in older browsers, in `Origin`. `authority` is the host as the request names it, `public` that of the
/// service's public address, which a proxy may have replaced by another.
pub(crate) fn check(
    headers: &HeaderMap,
    authority: Option<&str>,
    public: Option<&str>,
) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_own = match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            let own = authority.or_else(|| text(HOST.as_str()));
            host.is_some_and(|host| {
                let mut names = [own, public].into_iter().flatten();
                names.any(|name| host.eq_ignore_ascii_case(name))
            })
        }
        (None, None) => false,
    };
    if is_own {
        return Ok(());
    }
    Err(Problem::forbidden(
        "this form takes what the dashboard's own pages send; programs use the API under /v1",
    ))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_let_through(fields: &[(&'static str, &'static str)], authority: Option<&str>) -> bool {
        let headers = (fields.iter())
            .map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        check(&headers, authority, Some("public.example")).is_ok()
    }

    #[test]
    fn forms_of_ours_are_told_from_those_of_other_sites() {
        let own = Some("batches.example:8080");
        assert!(is_let_through(&[("sec-fetch-site", "same-origin")], None));
        for site in ["cross-site", "same-site", "none", ""] {
            // Whatever else it says.
            let fields = [
                ("sec-fetch-site", site),
                ("origin", "http://batches.example:8080"),
            ];
            assert!(!is_let_through(&fields, own), "{site}");
        }
        for (origin, expected) in [
            ("http://batches.example:8080", true),
            ("https://Batches.example:8080", true),
            ("http://batches.example", false),
            ("http://batches.example:80801", false),
            ("https://public.example", true),
            ("http://evil.example", false),
            ("batches.example:8080", false),
            ("null", false),
        ] {
            assert_eq!(
                is_let_through(&[("origin", origin)], own),
                expected,
                "{origin}"
            );
            let fields = [("origin", origin), ("host", "batches.example:8080")];
            assert_eq!(is_let_through(&fields, None), expected, "{origin}");
        }
        assert!(!is_let_through(&[], own));
        assert!(!is_let_through(
            &[("origin", "http://batches.example:8080")],
            None
        ));
    }
}
