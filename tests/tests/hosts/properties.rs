//! Random tables and requests against a naive model.

use anyhow::{Result, bail};
use batchintory::{AcquireRequest, Acquisition, Operations as _, PlannedBatch, Planner};
use batchintory_tests::subject::NativeCore;
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{DatabaseOptions, Databases, SystemRandom};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;
use tokio::runtime::Runtime;

/// A row: its id and its weight. Weights are whole, so that sums do not depend on their order.
type Row = (i64, Option<u16>);

/// What a naive planner hands out: walk the rows, start a batch when the next one has no room.
fn model(rows: &[Row], request: &AcquireRequest, lightest: Option<u16>) -> Vec<PlannedBatch> {
    let mut batches: Vec<PlannedBatch> = Vec::new();
    let mut is_open = false;
    for (uid, weight) in rows {
        let inside = request.id_min.is_none_or(|least| *uid >= least)
            && request.id_max.is_none_or(|most| *uid <= most);
        let passes =
            lightest.is_none_or(|lightest| weight.is_some_and(|weight| weight >= lightest));
        if !inside || !passes {
            continue;
        }
        let weight = f64::from(weight.unwrap_or(0));
        let has_room = |batch: &PlannedBatch| {
            request
                .max_weight
                .is_none_or(|most| batch.weight + weight <= most)
                && request.max_count.is_none_or(|most| batch.count < most)
        };
        match batches.last_mut() {
            Some(batch) if is_open && has_room(batch) => {
                batch.id_end = *uid;
                batch.count += 1;
                batch.weight += weight;
            }
            _ => {
                let oversized = request.max_weight.is_some_and(|most| weight > most);
                batches.push(PlannedBatch {
                    id_start: *uid,
                    id_end: *uid,
                    count: 1,
                    weight,
                    oversized,
                });
                is_open = !oversized;
            }
        }
    }
    batches
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let weight = prop_oneof![
        Just(None),
        (0_u16..20).prop_map(Some),
        (0_u16..300).prop_map(Some)
    ];
    let uid = prop_oneof![
        -30_i64..30,
        -2_000_i64..2_000,
        any::<i64>().prop_filter("reserved", |uid| *uid > i64::MIN)
    ];
    proptest::collection::btree_map(uid, weight, 0..60).prop_map(|rows| rows.into_iter().collect())
}

fn bound() -> impl Strategy<Value = Option<i64>> {
    proptest::option::weighted(0.3, prop_oneof![-40_i64..40, -2_000_i64..2_000])
}

fn case() -> impl Strategy<Value = (Vec<Row>, AcquireRequest, Option<u16>)> {
    let limits = (
        proptest::option::weighted(0.7, 1_u16..100),
        proptest::option::weighted(0.6, 1_u64..12),
    );
    let lightest = proptest::option::weighted(0.4, 0_u16..30);
    (rows(), limits, (bound(), bound()), lightest).prop_map(|(rows, limits, bounds, lightest)| {
        let (max_weight, max_count) = limits;
        let (id_min, id_max) = match bounds {
            (Some(least), Some(most)) if least > most => (Some(most), Some(least)),
            bounds => bounds,
        };
        let request = AcquireRequest {
            max_weight: max_weight.map(f64::from),
            max_count,
            id_min,
            id_max,
            filter: lightest.map(|lightest| {
                json!({"column": "weight", "op": ">=", "value": lightest}).to_string()
            }),
            ..AcquireRequest::new("files", "job")
        };
        (rows, request, lightest)
    })
}

/// Plans, then drains by claims; both must agree with the model.
async fn planned_and_claimed(
    planner: &NativeCore,
    database: &TestDatabase,
    rows: &[Row],
    request: &AcquireRequest,
) -> Result<(Vec<PlannedBatch>, Vec<PlannedBatch>)> {
    let connection = database.connection.as_ref();
    execute(connection, "DELETE FROM files", &[]).await?;
    execute(connection, "DELETE FROM inventory", &[]).await?;
    let values = (rows.iter()).map(|(uid, weight)| vec![json!(uid), json!("x"), json!(weight)]);
    let values: Vec<_> = values.collect();
    if !values.is_empty() {
        Table::files(Vec::new()).insert(connection, &values).await?;
    }
    let planned = planner.plan(request.clone(), None, 1_000).await?.batches;
    let mut claimed = Vec::new();
    while let Acquisition::Batch(batch) = planner.acquire(request.clone(), None).await? {
        claimed.push(PlannedBatch {
            id_start: batch.id_start,
            id_end: batch.id_end,
            count: batch.count,
            weight: batch.weight,
            oversized: batch.oversized,
        });
        let items = planner
            .items(batch.claim_token.clone(), None, 1_000)
            .await?;
        if items.len() as u64 != batch.count {
            bail!("{batch:?} has {} items", items.len());
        }
    }
    Ok((planned, claimed))
}

fn compare(database: impl Future<Output = Result<TestDatabase>>, cases: u32) -> Result<()> {
    let runtime = Runtime::new()?;
    let (database, planner) = runtime.block_on(async {
        let database = database.await?;
        let connection = database.connection.clone();
        let databases = Databases::new(connection.clone(), connection, DatabaseOptions::default());
        let planner = Planner::new(databases, SystemRandom);
        planner.migrate().await?;
        Table::files(Vec::new())
            .create(database.connection.as_ref())
            .await?;
        anyhow::Ok((database, planner))
    })?;
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    runner.run(&case(), |(rows, request, lightest)| {
        let expected = model(&rows, &request, lightest);
        let (planned, claimed) = runtime
            .block_on(planned_and_claimed(&planner, &database, &rows, &request))
            .map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        prop_assert_eq!(&planned, &expected, "planned");
        prop_assert_eq!(&claimed, &expected, "claimed");
        Ok(())
    })?;
    Ok(())
}

#[test]
fn plans_and_claims_agree_with_the_model_on_sqlite() -> Result<()> {
    compare(sqlite(), 300)
}

#[test]
fn plans_and_claims_agree_with_the_model_on_postgresql() -> Result<()> {
    compare(postgres(), 150)
}

#[test]
fn plans_and_claims_agree_with_the_model_on_mysql() -> Result<()> {
    compare(mysql(), 150)
}
