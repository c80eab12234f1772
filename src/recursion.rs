//! Jobs whose source is the inventory itself: they process the results of another job.
//!
//! The inventory is a meta table like any other: its ids only grow, a row's result is the item. What
//! succeeded belongs to the job; what runs is not ready; what failed is passed over, and comes as a
//! later row if it succeeds in the end.

use crate::condition::{Comparison, Condition, OrderOperator, Reading, Scalar, Test};
use crate::database::{Dialect, Source};
use crate::error::Error;
use crate::interface::{MetaColumns, Settle};
use crate::job::{Job, check_name};
use crate::sql::inventory::InventoryTable;

/// Where there is no fence: the time within which a claim, a single statement, is surely over, so that
/// no lower id of the inventory appears any more.
const SETTLED_AFTER_SECONDS: f64 = 10.0;

/// The job on the results of `source_job`, which works on the table that `job` names.
pub(crate) fn on_results_of(
    source_job: &str,
    job: Job,
    inventory: &InventoryTable,
) -> Result<Job, Error> {
    check_name("source-job", source_job)?;
    let meta_table = job.meta_table.scope();
    if meta_table == inventory.name.scope() && source_job == job.name {
        return Err(Error::invalid_request(format!(
            "the job {source_job:?} cannot process its own results; name this one otherwise"
        )));
    }
    check_columns([&job.filter, &job.hold])?;
    let of_source_job = || vec![equal("meta_table", &meta_table), equal("job", source_job)];
    let with_status = |status: &str| {
        let mut conditions = of_source_job();
        conditions.push(equal("status", status));
        conditions
    };
    let mut succeeded = with_status(&inventory.labels.succeeded);
    succeeded.extend(job.filter);
    let mut not_ready = vec![Condition::All(with_status(&inventory.labels.running))];
    // The inventory's own ids become visible out of order like any other's.
    let settle = if inventory.dialect == Dialect::Mysql {
        not_ready.push(Condition::Compare(Comparison {
            column: "processing_start".into(),
            reading: None,
            test: Test::YoungerThanSeconds(SETTLED_AFTER_SECONDS),
        }));
        Settle::None
    } else {
        Settle::CommitOrder
    };
    if let Some(hold) = job.hold {
        // Rows of other jobs are none of this one's business.
        let mut held = of_source_job();
        held.push(hold);
        not_ready.push(Condition::All(held));
    }
    Ok(Job {
        source: Source::Inventory,
        dialect: inventory.dialect,
        meta_table: inventory.name.clone(),
        columns: MetaColumns {
            uid: "id".into(),
            item: "job_result_item".into(),
            weight: Some("batch_weight".into()),
        },
        filter: Some(Condition::All(succeeded)),
        hold: Some(Condition::Any(not_ready)),
        settle,
        ..job
    })
}

/// Refuses conditions that look at claim tokens, which could be found out piece by piece: whoever knows one
/// owns its batch. The inventory's columns are of ASCII letters, and only those have no second spelling.
fn check_columns(conditions: [&Option<Condition>; 2]) -> Result<(), Error> {
    let mut compared = Vec::new();
    for condition in conditions.into_iter().flatten() {
        condition.comparisons(&mut compared);
    }
    let is_secret = |comparison: &&Comparison| {
        let column = &comparison.column;
        !column.is_ascii() || column.eq_ignore_ascii_case("claim_token")
    };
    match compared.iter().any(is_secret) {
        true => Err(Error::invalid_request(
            "with source-job, no condition may be on the column claim_token",
        )),
        false => Ok(()),
    }
}

fn equal(column: &str, value: &str) -> Condition {
    Condition::Compare(Comparison {
        column: column.into(),
        // A job may be named after a point in time.
        reading: Some(Reading::Text),
        test: Test::Order(OrderOperator::Equal, Scalar::Text(value.into())),
    })
}
