//! The API's answers: `openapi.json` describes them.

pub(crate) mod about;
pub(crate) mod batches;
pub(crate) mod jobs;
