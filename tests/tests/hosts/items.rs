//! Items that are no text where the database itself does not know better.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use batchintory::{AcquireRequest, ItemEncoding};
use batchintory_tests::postgres;
use batchintory_tests::tables::execute;
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
