//! The channel of a meta table, for a host that keeps a request waiting until rows have come.

use batchintory::{Operations as _, at_once};
use http::HeaderValue;

use crate::asked::Asked;
use crate::response::Response;

/// By this header a host asks for the channel on which the meta table's database tells of new rows, and by this one it
/// is told: with an answer that there is nothing, where there is such a channel. Neither is the client's.
pub const CHANNEL: &str = "batchintory-channel";

/// Tells the host the channel of this meta table, if it asks.
pub(crate) fn tell(asked: &Asked<'_>, meta_table: String, response: &mut Response) {
    if !asked.request.headers.contains_key(CHANNEL) {
        return;
    }
    // Who is not told asks again by the clock.
    let channel = at_once(asked.inventory.notifications(meta_table));
    if let Ok(Some(channel)) = channel
        && let Ok(name) = HeaderValue::try_from(channel.name)
    {
        response.headers_mut().insert(CHANNEL, name);
    }
}
