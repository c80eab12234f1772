//! What is asked for, as it came.

use http::{HeaderMap, Method};

use crate::body::Body;

/// A request, whose body has not been read yet.
pub struct Request<'a> {
    /// Its method.
    pub method: Method,
    /// Its path, still encoded.
    pub path: &'a str,
    /// What follows the question mark, still encoded.
    pub query: &'a str,
    /// The host that it names, with its port.
    pub authority: Option<&'a str>,
    /// Whether it came encrypted, as far as its server says.
    pub is_encrypted: bool,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a mut dyn Body,
    /// When it came, in seconds since 1970, to tell people how old something is.
    pub now: Option<u64>,
}

impl Request<'_> {
    /// The same request, for a while.
    pub(crate) fn for_a_while(&mut self) -> Request<'_> {
        Request {
            method: self.method.clone(),
            body: &mut *self.body,
            ..*self
        }
    }
}
