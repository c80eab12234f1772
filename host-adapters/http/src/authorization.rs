//! Who may do what: the API token.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::operation::Access;
use crate::problem::Problem;
use crate::service::Settings;

/// Lets a request through if it may have this access.
pub(crate) fn check(
    headers: &HeaderMap,
    access: Access,
    settings: &Settings,
) -> Result<(), Problem> {
    let needs_token = match access {
        Access::Open => false,
        Access::Read => settings.protect_reads,
        Access::Write => true,
    };
    if !needs_token {
        return Ok(());
    }
    let Some(expected) = settings.token() else {
        return Err(Problem::forbidden(
            "the service has no API token, so nobody may do this; configure one",
        ));
    };
    match sent_token(headers) {
        Some(token) if equal(&token, expected) => Ok(()),
        _ => Err(Problem::unauthorized()),
    }
}

/// The token of a `Bearer` header, or the password of a `Basic` one, as browsers send it.
fn sent_token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.as_bytes().to_vec());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = BASE64_STANDARD.decode(credentials).ok()?;
        let colon = pair.iter().position(|&byte| byte == b':')?;
        return Some(pair.get(colon + 1..)?.to_vec());
    }
    None
}

/// Compares in a time that tells nothing but the lengths.
fn equal(sent: &[u8], expected: &str) -> bool {
    sent.ct_eq(expected.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn settings(api_token: Option<&str>, protect_reads: bool) -> Settings {
        Settings {
            api_token: api_token.map(str::to_owned),
            protect_reads,
        }
    }

    fn check_header(
        header: Option<&str>,
        access: Access,
        settings: &Settings,
    ) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        check(&headers, access, settings).map_err(|problem| problem.error)
    }

    #[test]
    fn writing_needs_the_token_and_nothing_but_the_token() {
        let settings = settings(Some("s3cret"), false);
        let basic = format!("Basic {}", BASE64_STANDARD.encode("anybody:s3cret"));
        for header in ["Bearer s3cret", "bearer  s3cret", &basic] {
            assert_eq!(check_header(Some(header), Access::Write, &settings), Ok(()));
        }
        let wrong = format!("Basic {}", BASE64_STANDARD.encode("s3cret:"));
        for header in [
            "Bearer s3cre",
            "Bearer s3cret0",
            "Bearer",
            "Bearer ",
            "Basic s3cret",
            "Basic *",
            "Digest s3cret",
            "s3cret",
            &wrong,
        ] {
            assert_eq!(
                check_header(Some(header), Access::Write, &settings),
                Err("unauthorized"),
                "{header}"
            );
        }
        assert_eq!(
            check_header(None, Access::Write, &settings),
            Err("unauthorized")
        );
    }

    #[test]
    fn reading_needs_it_where_it_is_configured_so() {
        let open = settings(Some("s3cret"), false);
        let protected = settings(Some("s3cret"), true);
        assert_eq!(check_header(None, Access::Read, &open), Ok(()));
        assert_eq!(
            check_header(None, Access::Read, &protected),
            Err("unauthorized")
        );
        assert_eq!(
            check_header(Some("Bearer s3cret"), Access::Read, &protected),
            Ok(())
        );
        assert_eq!(check_header(None, Access::Open, &protected), Ok(()));
    }

    #[test]
    fn without_a_token_nobody_may_write() {
        for missing in [None, Some("")] {
            for header in [None, Some("Bearer "), Some("Bearer x"), Some("Basic Og==")] {
                assert_eq!(
                    check_header(header, Access::Write, &settings(missing, false)),
                    Err("forbidden")
                );
            }
        }
    }
}
