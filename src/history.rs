//! What happened so far: `history`.

use serde::de::IgnoredAny;

use crate::configuration::{self, Kept};
use crate::database::{Database, Dialect};
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{AcquireRequest, Attempt, HistoryQuery};
use crate::job::{Job, check_limit, check_name};
use crate::json;
use crate::judge::Judge;
use crate::judgement::Judgement;
use crate::sql::inventory::may_be_long;
use crate::sql::meta;

/// The most attempts in a page.
const MAX_ATTEMPTS: u32 = 1_000;

/// Attempts, latest first: so many, or fewer where their texts have many bytes together; at least one, unless
/// none is left.
#[synchronous]
pub(crate) async fn history<D: Database>(
    databases: &Databases<'_, D>,
    query: &HistoryQuery,
) -> Result<Vec<Attempt>, Error> {
    check_limit(query.limit, MAX_ATTEMPTS, "attempts")?;
    if query.uid.is_some() && query.meta_table.is_none() {
        return Err(Error::invalid_request(
            "a uid says nothing without its meta table; name the table too",
        )
        .of_field("meta-table"));
    }
    if let Some(job) = &query.job {
        check_name("job", job)?;
    }
    let meta_table = match &query.meta_table {
        Some(name) => Some(databases.scope(name).await?),
        None => None,
    };
    let scope = meta_table.as_deref();
    let mut to = None;
    if databases.inventory.dialect == Dialect::Mysql && may_be_long(query) {
        let end = databases.inventory.attempts_end(query, scope);
        to = databases.inventory_row(end).await?;
    }
    let listed = databases.inventory.list_attempts(query, scope, to);
    let listed = databases.inventory_rows(listed).await?;

    let mut attempts = Vec::new();
    // Attempts of one job mostly share their request, so the row is looked at once for each.
    let mut judged: Vec<(AcquireRequest, Option<String>, bool)> = Vec::new();
    let mut judge = Judge::new(databases);
    for listed in listed {
        let (mut attempt, config) = listed?;
        attempt.result_item = attempt.result_item.map(as_document);
        let scope = std::mem::take(&mut attempt.meta_table);
        attempt.meta_table = databases.told(scope.clone()).await?;
        if let Some(uid) = query.uid
            && let Some(config) = config
            && let Some(Kept {
                request, grounds, ..
            }) = configuration::read(&config)
            && request.filter.is_some()
        {
            let judged_at = grounds.judged_at;
            let known =
                (judged.iter()).find(|(other, at, _)| *other == request && *at == judged_at);
            attempt.passed_over = match known {
                Some((_, _, passed_over)) => *passed_over,
                None => {
                    let job = databases.job_as_kept(&request, &scope).await?;
                    let judgement = judge.judge(&job, judged_at.as_deref()).await?;
                    let passed_over = is_passed_over(databases, &job, &judgement, uid).await?;
                    judged.push((request, judged_at, passed_over));
                    passed_over
                }
            };
        }
        attempts.push(attempt);
    }
    Ok(attempts)
}

/// A result as it was kept. What is no JSON, such as another program's, is given as a JSON string, so
/// that one row does not keep the others from being listed.
fn as_document(kept: String) -> String {
    match serde_json::from_str::<IgnoredAny>(&kept) {
        Ok(_) => kept,
        Err(_) => json::write(&kept.into()),
    }
}

/// Whether the row with this id is there and does not pass the job's filter.
#[synchronous]
async fn is_passed_over<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    uid: i64,
) -> Result<bool, Error> {
    let passes = meta::passes_filter(job, judgement, uid);
    let passes = databases.first_meta_row(job, passes).await?;
    Ok(passes == Some(false))
}

#[cfg(test)]
mod tests {
    use super::as_document;

    #[test]
    fn what_is_kept_is_given_to_the_letter() {
        for (kept, given) in [
            ("1e400", "1e400"),
            (" {\"a\": \"\\udc80\"}\n", " {\"a\": \"\\udc80\"}\n"),
            ("no \"json\"", r#""no \"json\"""#),
            ("", r#""""#),
        ] {
            assert_eq!(as_document(kept.into()), given);
        }
    }
}
