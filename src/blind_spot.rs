//! What to say where the fence cannot see all who insert: it refuses, and never settles on a guess.

use crate::error::Error;
use crate::job::Job;

/// What to do where the fence can never see.
pub(crate) const HOLD: &str =
    "hold young rows back instead (`hold`), and look for late ones (`audit`)";

/// What of a request asks for the fence.
pub(crate) const FIELD: &str = "settle";

/// What to say where the fence cannot see.
pub(crate) fn refusal(job: &Job, why: &str, remedy: &str) -> Error {
    Error::invalid_request(format!(
        "settle: which transactions may yet insert a lower id into the meta table {:?} cannot be told: \
         {why}; {remedy}",
        job.meta_table.to_string()
    ))
    .of_field(FIELD)
    .of_table(&job.meta_table)
}
