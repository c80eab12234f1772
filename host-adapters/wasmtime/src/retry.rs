//! Repeating statements that met a passing conflict.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use batchintory::DatabaseError;

/// How often a statement is sent at most.
const MAX_TRIES: usize = 10;

/// Repeats a statement while the database reports a serialization failure, a deadlock or a locked
/// file, all of which leave nothing behind. Waits a little longer each time, by chance.
pub(crate) async fn repeat<T, F>(statement: impl FnMut() -> F) -> Result<T, DatabaseError>
where
    F: Future<Output = Result<T, DatabaseError>>,
{
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(500))
        .with_max_times(MAX_TRIES - 1)
        .with_jitter();
    statement
        .retry(backoff)
        .when(|error| matches!(error, DatabaseError::Retryable(_)))
        .await
}
