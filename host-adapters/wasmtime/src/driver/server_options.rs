//! What URLs of servers say alike, whichever server it is.

use std::time::Duration;

use batchintory_database_url::ServerUrl;

/// The most connections at once, unless said otherwise.
const POOL_SIZE: usize = 16;

/// How long connecting may take, unless said otherwise.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most connections at once.
pub(super) fn pool_size(url: &ServerUrl) -> Result<usize, String> {
    Ok(positive(url, "pool_size")?.unwrap_or(POOL_SIZE))
}

/// An option that is a number above 0.
pub(super) fn positive(url: &ServerUrl, name: &str) -> Result<Option<usize>, String> {
    let Some(value) = url.option(name) else {
        return Ok(None);
    };
    match value.parse() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(format!("{name} must be a number above 0")),
    }
}
