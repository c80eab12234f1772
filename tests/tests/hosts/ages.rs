//! An age is judged once, at the claim: by the time that is kept with the batch.

use anyhow::{Context as _, Result, ensure};
use batchintory::{AcquireRequest, Dialect, HistoryQuery, IdRange, Outcome, RequeueTarget};
use batchintory_tests::suite::System;
use batchintory_tests::tables::{Table, execute};
use batchintory_wasmtime::{Acquired, Inventory};
use serde_json::json;

/// Whether the only batch with the queried id passed it over.
async fn is_passed_over(inventory: &Inventory, query: &HistoryQuery) -> Result<bool> {
    let history = inventory.history(query).await?;
    let entry = history.first().context("no batch has this id")?;
    Ok(entry.passed_over)
}

/// What is kept with batches becomes that of batches which were claimed so many hours earlier.
fn claim_earlier(dialect: Dialect, hours: i32) -> String {
    let kept = "substr(config, locate('judged_at', config) + 12, 24)";
    match dialect {
        Dialect::Postgresql => format!(
            "UPDATE inventory SET config = CAST(replace(CAST(config AS text), config ->> 'judged_at', \
             to_char(CAST(config ->> 'judged_at' AS timestamp with time zone) AT TIME ZONE 'UTC' \
             - INTERVAL '{hours} hours', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')) AS json)"
        ),
        Dialect::Sqlite => format!(
            "UPDATE inventory SET config = json_set(config, '$.judged_at', strftime('%Y-%m-%dT%H:%M:%fZ', \
             json_extract(config, '$.judged_at'), (-({hours})) || ' hours'))"
        ),
        Dialect::Mysql => format!(
            "UPDATE inventory SET config = replace(config, {kept}, concat(left(date_format(\
             cast(replace(replace({kept}, 'T', ' '), 'Z', '') AS datetime(3)) - INTERVAL {hours} HOUR, \
             '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z'))"
        ),
    }
}

async fn judged_once(system: System) -> Result<()> {
    let database = system.database().await?;
    let connection = database.connection.as_ref();
    let inventory = Inventory::builder()
        .inventory(database.connection.clone())
        .build()?;
    inventory.migrate().await?;
    let table: Table = serde_json::from_value(json!({
        "name": "files",
        "columns": [["uid", "integer"], ["item", "text"], ["weight", "double"], ["imported", "timestamp"]],
        "rows": [
            [1, "a", 1, {"seconds_ago": 7200}],
            [2, "b", 2, {"seconds_ago": 60}],
            [3, "c", 4, {"seconds_ago": 7200}],
            [4, "d", 8, {"seconds_ago": 60}],
            [5, "e", 16, {"seconds_ago": 7200}]
        ]
    }))?;
    table.create(connection).await?;
    let filter = json!({"column": "imported", "op": "younger-than-seconds", "value": 3600});
    let request = AcquireRequest {
        filter: Some(filter.to_string()),
        ..AcquireRequest::new("files", "young")
    };
    let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
        anyhow::bail!("there are young rows");
    };
    // The first items came with the claim; these are read anew.
    let uids = async |batch: &batchintory_wasmtime::Batch| -> Result<Vec<i64>> {
        let items = inventory.item_pages(&batch.claim_token).all().await?;
        Ok(items.iter().map(|item| item.uid).collect())
    };
    ensure!(uids(&batch).await? == [2, 4], "{batch:?}");
    ensure!((batch.count, batch.weight) == (2, 10.0), "{batch:?}");

    // As if it had been claimed three hours earlier: all rows were young, and are given; the batch's
    // own numbers stay as they are, so the audit finds the difference.
    execute(connection, &claim_earlier(connection.dialect(), 3), &[]).await?;
    ensure!(
        uids(&batch).await? == [2, 3, 4],
        "{:?}",
        uids(&batch).await?
    );
    (inventory.complete(&batch.claim_token, &Outcome::succeeded(None))).await?;
    let page = inventory.audit("files", "young", None, 10).await?;
    let [difference] = page.differences.as_slice() else {
        anyhow::bail!("{page:?}");
    };
    ensure!(difference.count_now == 4, "{difference:?}");
    let query = HistoryQuery {
        meta_table: Some("files".into()),
        uid: Some(3),
        ..HistoryQuery::default()
    };
    ensure!(!is_passed_over(&inventory, &query).await?, "it was young");

    // As if it had been claimed two hours later than it was: none was young.
    execute(connection, &claim_earlier(connection.dialect(), -5), &[]).await?;
    ensure!(uids(&batch).await?.is_empty(), "{:?}", uids(&batch).await?);
    ensure!(is_passed_over(&inventory, &query).await?, "it was old");

    // The next attempt goes by the same time, and keeps it.
    execute(connection, &claim_earlier(connection.dialect(), 2), &[]).await?;
    let all = RequeueTarget::Ids(vec![IdRange {
        id_start: 1,
        id_end: 9,
    }]);
    inventory.requeue("files", "young", &all).await?;
    let Acquired::Batch(again) = inventory.acquire(&request).await? else {
        anyhow::bail!("it was requeued");
    };
    ensure!((again.attempt, again.count) == (2, 2), "{again:?}");
    execute(connection, &claim_earlier(connection.dialect(), 3), &[]).await?;
    ensure!(
        uids(&again).await? == [2, 3, 4],
        "{:?}",
        uids(&again).await?
    );
    Ok(())
}

#[tokio::test]
async fn on_sqlite() -> Result<()> {
    judged_once(System::Sqlite).await
}

#[tokio::test]
async fn on_postgresql() -> Result<()> {
    judged_once(System::Postgres).await
}

#[tokio::test]
async fn on_mysql() -> Result<()> {
    judged_once(System::Mysql).await
}
