//! What the service tells its host while it serves: who did what, and what went wrong.

/// The functions of the interface `notices` of `wit/http.wit`.
pub trait Notices {
    /// A line for the log of who did what.
    fn audit(&self, line: &str);
    /// A line on what went wrong, with the database's own words.
    fn trouble(&self, line: &str);
    /// The caller has sent a token that is none.
    fn wrong_token(&self);
}
