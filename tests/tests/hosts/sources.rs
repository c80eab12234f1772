//! Tables of one name in two schemas or two databases are two, whatever a process means by default.

use anyhow::{Result, bail, ensure};
use batchintory::{
    AcquireRequest, Batch, HistoryQuery, IdRange, JobsQuery, Outcome, RequeueTarget,
};
use batchintory_tests::TestDatabase;
use batchintory_tests::suite::System;
use batchintory_tests::tables::{Table, execute};
use batchintory_wasmtime::{Acquired, Inventory, InventoryBuilder};
use serde_json::json;

/// A process that keeps its inventory in the one database and has its meta tables in the other.
fn process(inventory: &TestDatabase, meta: &TestDatabase) -> InventoryBuilder {
    Inventory::builder()
        .inventory(inventory.connection.clone())
        .meta(meta.connection.clone())
}

/// A table of one item.
async fn create(database: &TestDatabase, name: &serde_json::Value, item: &str) -> Result<()> {
    let table: Table = serde_json::from_value(json!({
        "name": name,
        "columns": [["uid", "integer"], ["item", "text"], ["weight", "double"]],
        "rows": [[1, item, 1]]
    }))?;
    table.create(database.connection.as_ref()).await
}

async fn acquire(inventory: &Inventory, meta_table: &str) -> Result<Option<Batch>> {
    let request = AcquireRequest::new(meta_table, "job");
    Ok(match inventory.acquire(&request).await? {
        Acquired::Batch(batch) => Some((*batch).clone()),
        Acquired::Nothing(_) => None,
    })
}

/// What the next batch's meta table is called, and its only item; the batch is ended.
async fn next(inventory: &Inventory, meta_table: &str) -> Result<(String, String)> {
    let Some(batch) = acquire(inventory, meta_table).await? else {
        bail!("nothing is handed out of {meta_table}");
    };
    let items = inventory.items(&batch.claim_token, None, 10).await?;
    let item = items.into_iter().next().and_then(|item| item.item);
    (inventory.complete(&batch.claim_token, &Outcome::succeeded(None))).await?;
    Ok((batch.meta_table, item.unwrap_or_default()))
}

/// What the jobs' tables are called, those of the summaries and those of their requests.
async fn jobs(inventory: &Inventory) -> Result<Vec<String>> {
    let jobs = inventory.jobs(&JobsQuery::default()).await?;
    for job in &jobs {
        let request = job.request.as_ref().map(|request| &request.meta_table);
        ensure!(request == Some(&job.meta_table), "{job:?}");
    }
    Ok(jobs.into_iter().map(|job| job.meta_table).collect())
}

/// How many attempts there are at a table as a process calls it.
async fn attempts(inventory: &Inventory, meta_table: &str) -> Result<usize> {
    let query = HistoryQuery {
        meta_table: Some(meta_table.into()),
        limit: 10,
        ..HistoryQuery::default()
    };
    let history = inventory.history(&query).await?;
    ensure!(
        history.iter().all(|found| found.meta_table == meta_table),
        "{history:?}"
    );
    Ok(history.len())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Two databases with a table of one name, and their processes: told apart by the sources' names.
async fn two_databases(system: System) -> Result<()> {
    let (first, second) = (system.database().await?, system.database().await?);
    create(&first, &json!("files"), "of the first").await?;
    create(&second, &json!("files"), "of the second").await?;
    let unnamed = process(&first, &first).build()?;
    let named = process(&first, &second).meta_name("second-1").build()?;
    unnamed.migrate().await?;

    let of_first = next(&unnamed, "files").await?;
    ensure!(of_first == ("files".into(), "of the first".into()));
    let of_second = next(&named, "files").await?;
    ensure!(of_second == ("files".into(), "of the second".into()));
    ensure!(acquire(&unnamed, "files").await?.is_none());
    ensure!(acquire(&named, "files").await?.is_none());

    // Each calls the other's table by what it reads back.
    let told = jobs(&unnamed).await?;
    let elsewhere = told.iter().find(|name| *name != "files");
    let Some(elsewhere) = elsewhere.filter(|name| name.starts_with("second-1:")) else {
        bail!("{told:?}");
    };
    ensure!(attempts(&unnamed, elsewhere).await? == 1);
    ensure!(attempts(&unnamed, "files").await? == 1);
    let told = jobs(&named).await?;
    let Some(elsewhere_again) = told.iter().find(|name| name.starts_with(':')) else {
        bail!("{told:?}");
    };
    ensure!(attempts(&named, elsewhere_again).await? == 1);
    ensure!(attempts(&named, "files").await? == 1);

    // What needs the other's rows is refused; what needs the inventory alone is not.
    let refused = unnamed
        .acquire(&AcquireRequest::new(elsewhere.as_str(), "job"))
        .await;
    ensure!(says(&refused, "in the source \"second-1\""), "{refused:?}");
    let refused = unnamed.audit(elsewhere, "job", None, 10).await;
    ensure!(says(&refused, "in the source \"second-1\""), "{refused:?}");
    let refused = named
        .progress(&AcquireRequest::new(elsewhere_again.as_str(), "job"), 10)
        .await;
    ensure!(says(&refused, "in the source \"\""), "{refused:?}");
    let again = RequeueTarget::Ids(vec![IdRange {
        id_start: 1,
        id_end: 1,
    }]);
    ensure!(unnamed.requeue(elsewhere, "job", &again).await? == 1);
    ensure!(acquire(&unnamed, "files").await?.is_none());
    let Some(batch) = acquire(&named, "files").await? else {
        bail!("it was requeued");
    };
    ensure!(batch.attempt == 2);
    let refused = unnamed.items(&batch.claim_token, None, 10).await;
    ensure!(says(&refused, "in the source \"second-1\""), "{refused:?}");
    ensure!(named.items(&batch.claim_token, None, 10).await?.len() == 1);
    Ok(())
}

fn says<T>(answer: &Result<T, batchintory_wasmtime::Error>, piece: &str) -> bool {
    (answer.as_ref().err())
        .is_some_and(|error| error.name() == "invalid-request" && error.to_string().contains(piece))
}

#[tokio::test]
async fn two_databases_on_sqlite() -> Result<()> {
    two_databases(System::Sqlite).await
}

#[tokio::test]
async fn two_databases_on_postgresql() -> Result<()> {
    two_databases(System::Postgres).await
}

#[tokio::test]
async fn two_databases_on_mysql() -> Result<()> {
    two_databases(System::Mysql).await
}

#[tokio::test]
async fn a_name_of_a_source_that_cannot_be_is_refused() -> Result<()> {
    let database = System::Sqlite.database().await?;
    for name in ["", "a:b", "a.b", "é"] {
        let inventory = process(&database, &database).meta_name(name).build()?;
        let refused = inventory.jobs(&JobsQuery::default()).await;
        ensure!(says(&refused, "meta-name must be"), "{name:?}: {refused:?}");
    }
    Ok(())
}

/// Two schemas with a table of one name, and processes that mean the one, the other or neither.
#[tokio::test]
async fn schemas_meant_by_default_on_postgresql() -> Result<()> {
    let database = System::Postgres.database().await?;
    create(&database, &json!("files"), "public").await?;
    for schema in ["staging", "prod"] {
        create(&database, &json!([schema, "files"]), schema).await?;
    }
    let plain = process(&database, &database).build()?;
    let staging = process(&database, &database)
        .meta_schema("staging")
        .build()?;
    let prod = process(&database, &database).meta_schema("prod").build()?;
    plain.migrate().await?;
    let files = |item: &str| ("files".to_owned(), item.to_owned());
    ensure!(next(&staging, "files").await? == files("staging"));
    ensure!(next(&prod, "files").await? == files("prod"));
    ensure!(next(&plain, "files").await? == files("public"));
    for (inventory, name) in [
        (&staging, "files"),
        (&plain, "staging.files"),
        (&prod, "staging.files"),
        (&prod, ":staging.files"),
        (&staging, "public.files"),
        (&staging, ":files"),
    ] {
        ensure!(acquire(inventory, name).await?.is_none(), "{name}");
    }
    let of_plain = owned(&["files", "prod.files", "staging.files"]);
    ensure!(jobs(&plain).await? == of_plain);
    let of_staging = owned(&["public.files", "prod.files", "files"]);
    ensure!(jobs(&staging).await? == of_staging);
    for name in &of_staging {
        ensure!(attempts(&staging, name).await? == 1, "{name}");
        let audit = staging.audit(name, "job", None, 10).await?;
        ensure!(
            audit.ranges == 1 && audit.differences.is_empty(),
            "{audit:?}"
        );
    }
    // A batch is read by what it was claimed from, whoever reads it.
    let again = RequeueTarget::Ids(vec![IdRange {
        id_start: 1,
        id_end: 1,
    }]);
    ensure!(prod.requeue("public.files", "job", &again).await? == 1);
    let Some(batch) = acquire(&prod, "public.files").await? else {
        bail!("it was requeued");
    };
    ensure!(batch.meta_table == "public.files" && batch.attempt == 2);
    for inventory in [&plain, &staging, &prod] {
        let items = inventory.items(&batch.claim_token, None, 10).await?;
        ensure!(items.first().and_then(|item| item.item.as_deref()) == Some("public"));
    }
    Ok(())
}

/// In MySQL, the database of the connection is meant by default.
#[tokio::test]
async fn databases_meant_by_default_on_mysql() -> Result<()> {
    let (first, second) = (
        System::Mysql.database().await?,
        System::Mysql.database().await?,
    );
    create(&first, &json!("files"), "of the first").await?;
    create(&second, &json!("files"), "of the second").await?;
    let one = process(&first, &first).build()?;
    let other = process(&first, &second).build()?;
    one.migrate().await?;
    ensure!(next(&one, "files").await?.1 == "of the first");
    ensure!(next(&other, "files").await?.1 == "of the second");
    let told = jobs(&one).await?;
    let Some(elsewhere) = told.iter().find(|name| *name != "files") else {
        bail!("{told:?}");
    };
    ensure!(acquire(&one, elsewhere).await?.is_none());
    ensure!(attempts(&one, elsewhere).await? == 1);
    let kept = "SELECT 1 FROM inventory WHERE meta_table = 'files'";
    let rows = (first.connection.query(kept, &[]).await).map(|rows| rows.rows.len());
    ensure!(rows == Ok(0), "the inventory names the database");
    Ok(())
}

/// What is listed of an inventory in another dialect's terms is read back as well.
#[tokio::test]
async fn a_scope_of_another_dialect_is_read_back() -> Result<()> {
    let (sqlite, mysql) = (
        System::Sqlite.database().await?,
        System::Mysql.database().await?,
    );
    create(&sqlite, &json!("files"), "of SQLite").await?;
    create(&mysql, &json!("files"), "of MySQL").await?;
    let here = process(&sqlite, &sqlite).build()?;
    let there = process(&sqlite, &mysql).build()?;
    here.migrate().await?;
    ensure!(next(&here, "files").await?.1 == "of SQLite");
    ensure!(next(&there, "files").await?.1 == "of MySQL");
    let told = jobs(&there).await?;
    ensure!(told.contains(&":files".into()) && told.contains(&"files".into()));
    for inventory in [&here, &there] {
        for name in jobs(inventory).await? {
            ensure!(attempts(inventory, &name).await? == 1, "{name}");
        }
    }
    execute(sqlite.connection.as_ref(), "DELETE FROM inventory", &[]).await
}
