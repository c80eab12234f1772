//! Who may do what, as whoever runs the service has written it, and what that means.

use std::fmt;

use crate::allowed_tables::AllowedTables;
use crate::hosts::Hosts;
use crate::token::Tokens;

/// Who may do what: the record `service-settings` of `wit/http.wit`. All that can be written wrongly is
/// text, read here alone, so that it means the same on every host.
#[derive(Clone, Default)]
pub struct Settings {
    /// A token of the role `admin`.
    pub api_token: Option<String>,
    /// Further tokens, a line each: roles, name, token.
    pub api_tokens: Option<String>,
    /// `true`: jobs and batches are shown to whoever asks.
    pub public_reads: Option<String>,
    /// Patterns of the meta tables that callers may name.
    pub allowed_tables: Option<String>,
    /// The address under which callers reach the service.
    pub public_url: Option<String>,
    /// Whether the service listens to this machine alone.
    pub loopback: bool,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There are tokens in it.
        formatter.write_str("Settings")
    }
}

/// What settings mean.
pub(crate) struct Rules {
    pub(crate) tokens: Tokens,
    pub(crate) public_reads: bool,
    pub(crate) tables: AllowedTables,
    pub(crate) hosts: Hosts,
}

impl Settings {
    /// Whether they make sense, for hosts that can say so before anybody calls.
    ///
    /// # Errors
    ///
    /// A sentence about what does not; never with a token.
    pub fn check(&self) -> Result<(), String> {
        self.read().map(|_| ())
    }

    /// Whether there is any token.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.read().is_ok_and(|rules| !rules.tokens.are_none())
    }

    pub(crate) fn read(&self) -> Result<Rules, String> {
        Ok(Rules {
            tokens: Tokens::read(self.api_token.as_deref(), self.api_tokens.as_deref())?,
            public_reads: match self.public_reads.as_deref() {
                Some("true") => true,
                Some("false" | "") | None => false,
                Some(_) => return Err("the setting public-reads must be true or false".into()),
            },
            tables: AllowedTables::read(self.allowed_tables.as_deref().unwrap_or_default())?,
            hosts: Hosts::read(self.public_url.as_deref(), self.loopback)?,
        })
    }
}
