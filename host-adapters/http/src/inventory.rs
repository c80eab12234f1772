//! What the service asks of the planner.

use batchintory::{
    Answer, Attempt, Call, Error, HistoryQuery, JobSummary, JobsQuery, Operations, Settings,
    at_once,
};

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

/// What the inventory alone is asked for; none where its table is not made yet.
pub(crate) fn if_made<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Err(Error::NoSuchTable(_)) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The planner, as the service asks it: what it asks for is there at once.
pub trait Inventory: Operations<Error = Error> {
    /// What the planner knows of its databases: the function `settings` of the interface `database`.
    fn databases(&self) -> Settings;
}

/// [`Inventory`], where it does not matter which one: its answers are taken at once.
pub(crate) trait AnyInventory {
    fn databases(&self) -> Settings;
    fn answer(&self, call: Call) -> Result<Answer, Error>;
}

impl<I: Inventory> AnyInventory for I {
    fn databases(&self) -> Settings {
        Inventory::databases(self)
    }

    fn answer(&self, call: Call) -> Result<Answer, Error> {
        at_once(self.call(call))
    }
}

impl dyn AnyInventory + '_ {
    pub(crate) fn jobs(&self, query: JobsQuery) -> Result<Vec<JobSummary>, Error> {
        match self.answer(Call::Jobs { query })? {
            Answer::Jobs(jobs) => Ok(jobs),
            _ => unreachable!("jobs have the answer to another call"),
        }
    }
}
