//! What the service asks of the planner.

use batchintory::{Attempt, Error, HistoryQuery, Operations, Settings, at_once};

/// The latest attempts: as many as the query's limit says, or all that there are, in as many pages as that
/// takes.
pub(crate) fn latest_attempts(
    inventory: &impl Inventory,
    mut query: HistoryQuery,
) -> Result<Vec<Attempt>, Error> {
    let mut attempts = Vec::new();
    while query.limit > 0 {
        let page = at_once(inventory.history(query.clone()))?;
        let Some(last) = page.last() else {
            break;
        };
        query.before = Some(last.id);
        let number = u32::try_from(page.len()).unwrap_or(u32::MAX);
        query.limit = query.limit.saturating_sub(number);
        attempts.extend(page);
    }
    Ok(attempts)
}

/// The planner, as the service asks it: what it asks for is there at once.
pub trait Inventory: Operations<Error = Error> {
    /// What the planner knows of its databases: the function `settings` of the interface `database`.
    fn databases(&self) -> Settings;
}
