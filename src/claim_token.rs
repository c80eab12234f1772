//! Claim tokens: the names of attempts, which only their owners know.

use std::fmt;

use crate::error::Error;

/// The longest token that is looked up, in bytes.
const MAX_BYTES: usize = 255;

/// Names an attempt. Whoever has it may end the attempt, so it is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ClaimToken(String);

impl ClaimToken {
    /// A new token of 128 random bits.
    pub(crate) fn from_random([high, low]: [u64; 2]) -> Self {
        Self(format!("{high:016x}{low:016x}"))
    }

    /// A token that a caller names.
    pub(crate) fn parse(token: &str) -> Result<Self, Error> {
        if token.is_empty() || token.len() > MAX_BYTES || token.contains('\0') {
            return Err(Error::invalid_request(format!(
                "the claim token must have 1 to {MAX_BYTES} bytes and no NUL character; pass on the \
                 one that acquire gave"
            ))
            .of_field("claim-token")
            .with_limit(MAX_BYTES));
        }
        Ok(Self(token.to_owned()))
    }

    /// The token of the batch with this number, from 1, of those that are claimed with this one.
    pub(crate) fn numbered(&self, number: u32) -> Result<Self, Error> {
        match number {
            1 => Ok(self.clone()),
            _ => Self::parse(&format!("{}/{number}", self.0)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClaimToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClaimToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_all_its_bits() {
        let token = ClaimToken::from_random([1, u64::MAX]);
        assert_eq!(token.as_str(), "0000000000000001ffffffffffffffff");
        assert_eq!(format!("{token:?}"), "ClaimToken(…)");
    }

    #[test]
    fn a_token_that_cannot_be_is_refused() {
        for token in ["", "a\0", &"x".repeat(MAX_BYTES + 1)] {
            assert!(ClaimToken::parse(token).is_err());
        }
        assert!(ClaimToken::parse(&"x".repeat(MAX_BYTES)).is_ok());
    }
}
