//! Reading items: how many statements it takes, and items that are no text where the database itself does not know better.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use batchintory::{AcquireRequest, ItemEncoding};
use batchintory_tests::recording::{Fault, Recording};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{TestDatabase, mysql, postgres, sqlite};
use batchintory_wasmtime::{Access, Acquired, Inventory, connect};

/// A database without an encoding keeps any bytes as text.
#[tokio::test]
async fn text_of_any_bytes_in_postgresql() -> Result<()> {
    let server = postgres().await?;
    let (before, name) = server.url.rsplit_once('/').context("no database")?;
    let statement = format!(
        "CREATE DATABASE {name}_bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    );
    execute(server.connection.as_ref(), &statement, &[]).await?;
    let database = connect(&format!("{before}/{name}_bytes"), Access::ReadWrite)
        .await
        .map_err(|error| anyhow!("{error:?}"))?;
    for statement in [
        "CREATE TABLE files (uid bigint PRIMARY KEY, item text, weight double precision)",
        "INSERT INTO files VALUES (1, 'a', 1), (2, convert_from('\\xc3bc', 'SQL_ASCII'), 1), \
         (3, convert_from('\\xff41', 'SQL_ASCII'), 1)",
    ] {
        execute(database.as_ref(), statement, &[]).await?;
    }
    let inventory = Inventory::builder().inventory(database).build()?;
    inventory.migrate().await?;
    for (encoding, expected) in [
        (ItemEncoding::Text, ["a", "ü", ""]),
        (ItemEncoding::Hex, ["61", "c3bc", "ff41"]),
        (ItemEncoding::Base64, ["YQ==", "w7w=", "/0E="]),
    ] {
        let request = AcquireRequest {
            item_encoding: encoding,
            ..AcquireRequest::new("files", format!("{encoding:?}"))
        };
        let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
            bail!("three items are there");
        };
        for (after, expected) in (0..).zip(expected) {
            let page = inventory.items(&batch.claim_token, Some(after), 1).await;
            match (page, encoding) {
                (Ok(items), _) => {
                    let item = items.first().and_then(|item| item.item.as_deref());
                    ensure!(item == Some(expected), "{items:?}");
                }
                (Err(error), ItemEncoding::Text) if after == 2 => {
                    let error = error.to_string();
                    ensure!(error.contains("the item of uid 3"), "{error}");
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Where the batch stands is read once, and then each page; a lost page is read again.
async fn pages_are_a_statement_each(database: TestDatabase, spelling: usize) -> Result<()> {
    let recording = Recording::new(database.connection.clone());
    let inventory = Inventory::builder().inventory(recording.clone()).build()?;
    inventory.migrate().await?;
    let table = Table::of_items(25_000);
    table.create(database.connection.as_ref()).await?;
    let request = AcquireRequest::new("files", "pages");
    let Acquired::Batch(batch) = inventory.acquire(&request).await? else {
        bail!("no batch");
    };
    recording.take();
    let items = inventory.item_pages(&batch.claim_token).all().await?;
    let statements = recording.take();
    // Three pages, and what says that nothing is behind them: the statement, and the planner's two of its own.
    assert!(
        statements.len() <= 1 + 3 + 1 + 2 + spelling,
        "{statements:#?}"
    );
    assert!((1..=25_000).eq(items.iter().map(|item| item.uid)));
    let rest = batch.pages().behind(10).all().await?;
    let statements = recording.take();
    // The last id is known.
    assert!(statements.len() <= 1 + 3 + spelling, "{statements:#?}");
    assert_eq!(Some(rest.as_slice()), items.get(10..));
    for fault in [Fault::Unreachable, Fault::AnswerLost] {
        let mut pages = inventory.item_pages(&batch.claim_token);
        let mut found = pages.next().await?.context("a page")?;
        recording.inject(&[Some(fault)]);
        while let Some(page) = pages.next().await? {
            found.extend(page);
        }
        assert_eq!(found, items);
    }
    Ok(())
}

#[tokio::test]
async fn pages_are_a_statement_each_on_sqlite() -> Result<()> {
    pages_are_a_statement_each(sqlite().await?, 0).await
}

#[tokio::test]
async fn pages_are_a_statement_each_on_postgresql() -> Result<()> {
    pages_are_a_statement_each(postgres().await?, 0).await
}

/// A server that folds names is asked how it spells them, and where the planner's page ends.
#[tokio::test]
async fn pages_are_a_statement_each_on_mysql() -> Result<()> {
    pages_are_a_statement_each(mysql().await?, 3).await
}
