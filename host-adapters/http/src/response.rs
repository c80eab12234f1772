//! Making responses.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A response with all of its body.
pub(crate) type Response = http::Response<Vec<u8>>;

/// An answer as JSON.
pub(crate) fn ok<E>(answer: &impl Serialize) -> Result<Response, E> {
    Ok(json(StatusCode::OK, "application/json", answer))
}

/// A response without a body: it is done.
pub(crate) fn done() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A response that leads to another page.
pub(crate) fn see_other(to: &str) -> Response {
    let mut response = bytes(
        StatusCode::SEE_OTHER,
        "text/plain; charset=utf-8",
        Vec::new(),
    );
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

/// A response of JSON.
pub(crate) fn json(
    status: StatusCode,
    media_type: &'static str,
    body: &impl Serialize,
) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => bytes(status, media_type, body),
        // A result in the inventory that is not JSON: somebody else wrote it.
        Err(error) => bytes(
            StatusCode::BAD_GATEWAY,
            "text/plain; charset=utf-8",
            format!("the answer cannot be written as JSON: {error}").into_bytes(),
        ),
    }
}

/// A response that nobody is to keep: what it tells is true for a moment only.
pub(crate) fn bytes(status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
