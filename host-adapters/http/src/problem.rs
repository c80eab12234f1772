//! What went wrong, as `application/problem+json` (RFC 9457).

use batchintory::{Error, Explanation};
use http::StatusCode;
use serde_json::{Value, json};

use crate::response::{self, Response};

/// The most characters that tell what was wrong: it may quote what was sent, however long that is.
const MAX_DETAIL: usize = 2_000;

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// A name to branch on: that of the planner's error where it is one.
    pub(crate) error: &'static str,
    /// What was wrong, where, and what to do.
    pub(crate) detail: String,
    /// The one method that the path has, where it was called by another.
    allow: Option<&'static str>,
    /// Whether a token was sent, but is none.
    pub(crate) is_of_a_wrong_token: bool,
    /// What it is about, where the planner knows.
    facts: Option<Box<Explanation>>,
}

impl Problem {
    fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        Self {
            status,
            error,
            detail,
            allow: None,
            is_of_a_wrong_token: false,
            facts: None,
        }
    }

    pub(crate) fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is nothing at this path; /openapi.json lists what there is",
        )
    }

    pub(crate) fn no_such_job() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "no job of this name has claimed a batch of this meta table",
        )
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                format!("this path takes {allow} only"),
            )
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send an access token: `Authorization: Bearer TOKEN`; people sign in at /dashboard/sign-in",
        )
    }

    pub(crate) fn wrong_token() -> Self {
        Self {
            is_of_a_wrong_token: true,
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "this is no access token of the service, or is none any more",
            )
        }
    }

    pub(crate) fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn misconfigured(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "misconfigured", detail)
    }

    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            format!("send the body as `Content-Type: {media_type}`"),
        )
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            format!("the body may have {limit} bytes at most"),
        )
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "the body did not come in time; send the request again",
        )
    }

    pub(crate) fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:batchintory:{}", self.error),
            "title": self.error.replace('-', " "),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "error": self.error,
        });
        let facts = self.facts.map(serde_json::to_value);
        if let (Some(Ok(Value::Object(mut facts))), Some(body)) = (facts, body.as_object_mut()) {
            // It is the detail, which has its limit.
            facts.remove("message");
            body.extend(facts);
        }
        let mut response = response::json(self.status, "application/problem+json", &body);
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(http::header::ALLOW, http::HeaderValue::from_static(allow));
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                // Not Basic as well: a browser would ask by itself, and keep the token for good.
                headers.insert(
                    http::header::WWW_AUTHENTICATE,
                    http::HeaderValue::from_static("Bearer"),
                );
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(
                    http::header::RETRY_AFTER,
                    http::HeaderValue::from_static("1"),
                );
            }
            _ => {}
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Error::NoSuchTable(_) | Error::NoSuchBatch(_) => StatusCode::NOT_FOUND,
            Error::NoSuchColumn(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Superseded(_) | Error::ConfigurationChanged(_) => StatusCode::CONFLICT,
            Error::ExhaustedRetries(_) | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Database(_) => StatusCode::BAD_GATEWAY,
        };
        Self {
            facts: Some(Box::new(error.explanation().clone())),
            ..Self::new(status, error.name(), error.message())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// The planner's errors, one of each case.
    fn planner_errors() -> Vec<Error> {
        let cases: [fn(&'static str) -> Error; 9] = [
            Error::invalid_request,
            Error::no_such_table,
            Error::no_such_column,
            Error::no_such_batch,
            Error::superseded,
            Error::configuration_changed,
            Error::exhausted_retries,
            Error::unavailable,
            Error::database,
        ];
        cases.map(|case| case("a sentence")).into()
    }

    fn problems() -> Vec<Problem> {
        let own = [
            Problem::invalid_request(""),
            Problem::not_found(),
            Problem::method_not_allowed("GET"),
            Problem::unauthorized(),
            Problem::wrong_token(),
            Problem::forbidden(""),
            Problem::misdirected(""),
            Problem::misconfigured(""),
            Problem::unsupported_media_type(""),
            Problem::too_large(1),
            Problem::too_slow(),
        ];
        let theirs = planner_errors().into_iter().map(Problem::from);
        own.into_iter().chain(theirs).collect()
    }

    #[test]
    fn every_name_is_described_with_its_status() {
        let description: Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let field = &description["components"]["schemas"]["Problem"]["properties"]["error"];
        let described: BTreeSet<&str> = (field["enum"].as_array().unwrap().iter())
            .map(|name| name.as_str().unwrap())
            .collect();
        let problems = problems();
        // Where the component itself fails, or is not asked, its server answers.
        let names = problems.iter().map(|problem| problem.error);
        let names = names.chain(["internal", "too-many-wrong-tokens"]);
        assert_eq!(names.collect::<BTreeSet<_>>(), described);
        for problem in &problems {
            let line = format!("- `{}` ({}):", problem.error, problem.status.as_u16());
            let text = field["description"].as_str().unwrap();
            assert!(text.contains(&line), "{line}");
        }
    }

    #[test]
    fn facts_are_members_that_are_described() {
        let explanation = Explanation {
            message: "a sentence".into(),
            field: Some("max-count".into()),
            limit: Some(7),
            table: Some("files".into()),
            column: Some("size".into()),
            uid: Some(-7),
            database: Some(batchintory::Source::Meta),
            database_code: Some("42703".into()),
        };
        let error = Error::InvalidRequest(Box::new(explanation.clone()));
        let body = Problem::from(error).into_response().into_body();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let description: Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let described = &description["components"]["schemas"]["Problem"]["properties"];
        let mut facts = serde_json::to_value(&explanation).unwrap();
        facts.as_object_mut().unwrap().remove("message");
        assert_eq!(facts.as_object().unwrap().len(), 7);
        for (name, fact) in facts.as_object().unwrap() {
            assert_eq!(&body[name], fact, "{name}");
            assert!(described[name].is_object(), "{name}");
        }
        assert_eq!(body.get("message"), None);
    }

    #[test]
    fn the_planners_names_and_sentences_are_passed_on() {
        for error in planner_errors() {
            let response = Problem::from(error.clone()).into_response();
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(body["error"], error.name());
            assert_eq!(body["detail"], error.message());
            assert_eq!(body["status"], response.status().as_u16());
        }
    }
}
