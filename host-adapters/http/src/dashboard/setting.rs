//! What pages go by beside what is asked for.

use crate::access::Access;
use crate::asked::Asked;

/// What a page goes by beside what is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    /// Seconds since 1970, where that is known.
    pub(crate) now: Option<i64>,
    /// Whether the caller may requeue, so that buttons make sense.
    pub(crate) can_write: bool,
    /// Whether the caller may read logs.
    pub(crate) can_read_logs: bool,
    /// Whether the caller's browser keeps a token.
    pub(crate) is_signed_in: bool,
}

impl Setting {
    pub(crate) fn of(asked: &Asked<'_>) -> Self {
        let Asked {
            request, caller, ..
        } = asked;
        Self {
            now: request.now.and_then(|now| i64::try_from(now).ok()),
            can_write: caller.may(Access::Admin),
            can_read_logs: caller.may(Access::Read),
            is_signed_in: caller.by_cookie(),
        }
    }
}
