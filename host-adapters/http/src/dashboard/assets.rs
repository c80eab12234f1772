//! Files that browsers keep.

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::asked::Asked;
use crate::problem::Problem;
use crate::response::{self, Response};

/// The style sheet.
pub(crate) const STYLE: Asset = Asset {
    path: "/dashboard/style.css",
    media_type: "text/css; charset=utf-8",
    text: include_str!("style.css"),
};

/// The script, which fetches pages again.
pub(crate) const SCRIPT: Asset = Asset {
    path: "/dashboard/refresh.js",
    media_type: "text/javascript; charset=utf-8",
    text: include_str!("refresh.js"),
};

/// The style sheet, for a browser.
pub(crate) fn style(asked: Asked<'_>) -> Result<Response, Problem> {
    Ok(STYLE.response(asked.request.query))
}

/// The script, for a browser.
pub(crate) fn script(asked: Asked<'_>) -> Result<Response, Problem> {
    Ok(SCRIPT.response(asked.request.query))
}

/// A file.
pub(crate) struct Asset {
    path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

impl Asset {
    /// Where it is, its version included.
    pub(crate) fn address(&self) -> String {
        format!("{}?{}", self.path, self.version())
    }

    /// The file; one that was asked for by its version never changes.
    fn response(&self, query: &str) -> Response {
        let mut response =
            response::bytes(StatusCode::OK, self.media_type, self.text.as_bytes().into());
        let caching = if query == self.version() {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let caching = HeaderValue::from_static(caching);
        response.headers_mut().insert(CACHE_CONTROL, caching);
        response
    }

    /// Differs where the file differs: its hash (FNV-1a).
    fn version(&self) -> String {
        let hash = self
            .text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        format!("{hash:016x}")
    }
}
