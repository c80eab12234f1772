//! A request's body: bounded, of a known kind, and read only where it is wanted.

use batchintory::Object;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The longest request for batches: a filter and a hold of 64 KiB each, and what JSON adds to them.
pub(crate) const MAX_REQUEST_BYTES: usize = 256 * 1024;

/// The longest end of a batch: a result and a log of 1 MiB each, and what JSON adds to them.
pub(crate) const MAX_OUTCOME_BYTES: usize = 4 * 1024 * 1024;

/// Where a request's body comes from.
pub trait Body {
    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// When it is longer than `limit` bytes, or does not come in reasonable time.
    fn read(&mut self, limit: usize) -> Result<Vec<u8>, BodyError>;
}

/// Why a body cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// It ended before its end.
    Broken,
}

impl Body for &[u8] {
    fn read(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        if self.len() > limit {
            return Err(BodyError::TooLarge);
        }
        Ok(std::mem::take(self).to_vec())
    }
}

/// Reads a body of JSON.
pub(crate) fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &mut dyn Body,
    limit: usize,
) -> Result<T, Problem> {
    let bytes = read(headers, body, limit, "application/json")?;
    match serde_json::from_slice(&bytes) {
        Ok(Object(fields)) => Ok(fields),
        Err(error) => Err(Problem::invalid_request(format!(
            "the body is not as expected: {error}"
        ))),
    }
}

/// Like [`json`], where an empty body stands for what is usual.
pub(crate) fn json_or_default<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: &mut dyn Body,
    limit: usize,
) -> Result<T, Problem> {
    if !headers.contains_key(CONTENT_TYPE) && read_bytes(headers, body, limit)?.is_empty() {
        return Ok(T::default());
    }
    json(headers, body, limit)
}

/// Reads the fields of an HTML form.
pub(crate) fn form<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &mut dyn Body,
    limit: usize,
) -> Result<T, Problem> {
    let bytes = read(headers, body, limit, "application/x-www-form-urlencoded")?;
    serde_urlencoded::from_bytes(&bytes)
        .map_err(|error| Problem::invalid_request(format!("the form is not as expected: {error}")))
}

fn read(
    headers: &HeaderMap,
    body: &mut dyn Body,
    limit: usize,
    media_type: &'static str,
) -> Result<Vec<u8>, Problem> {
    if !has_type(headers, media_type) {
        return Err(Problem::unsupported_media_type(media_type));
    }
    read_bytes(headers, body, limit)
}

fn read_bytes(headers: &HeaderMap, body: &mut dyn Body, limit: usize) -> Result<Vec<u8>, Problem> {
    if length(headers).is_some_and(|length| length > limit as u64) {
        return Err(Problem::too_large(limit));
    }
    body.read(limit).map_err(|error| match error {
        BodyError::TooLarge => Problem::too_large(limit),
        BodyError::TooSlow => Problem::too_slow(),
        BodyError::Broken => Problem::invalid_request("the body ended before its end".to_owned()),
    })
}

/// How long the body is said to be.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the content is said to be of this media type, whatever its parameters.
fn has_type(headers: &HeaderMap, media_type: &str) -> bool {
    (headers.get(CONTENT_TYPE))
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(media_type))
}
