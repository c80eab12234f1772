//! The tables that are measured on.

use anyhow::{Result, anyhow};
use batchintory_wasmtime::Database;
use tokio_postgres::{Client, NoTls};

/// A batch of this weight has about 100 items.
pub const BATCH_WEIGHT: f64 = 5_000.0;

/// The sizes of the meta tables, by name.
pub const TABLES: [(&str, i64); 3] = [
    ("files_10k", 10_000),
    ("files_1m", 1_000_000),
    ("files_5m", 5_000_000),
];

/// A server with the meta tables and an empty inventory.
pub struct Server {
    /// Its URL.
    pub url: String,
    /// A connection of tokio-postgres, for the hand-written side.
    pub client: Client,
}

impl Server {
    /// Makes the tables anew.
    pub async fn prepare(url: &str) -> Result<Self> {
        let client = connected(url).await?;
        client
            .batch_execute("DROP TABLE IF EXISTS inventory, inventory_by_hand")
            .await?;
        for (name, rows) in TABLES {
            eprintln!("making {name}");
            // Weights from 1 to 99, in an order that repeats only after 99 rows.
            client
                .batch_execute(&format!(
                    "DROP TABLE IF EXISTS {name};
                     CREATE TABLE {name} (uid bigint PRIMARY KEY, item text NOT NULL, weight double precision);
                     INSERT INTO {name} SELECT i, 'lake/part-' || i || '.parquet', 1 + (i * 37) % 99
                     FROM generate_series(1::bigint, {rows}) i"
                ))
                .await?;
            // By itself, since it runs in no transaction.
            client
                .batch_execute(&format!("VACUUM ANALYZE {name}"))
                .await?;
        }
        client.batch_execute("CHECKPOINT").await?;
        Ok(Self {
            url: url.to_owned(),
            client,
        })
    }
}

/// A connection of tokio-postgres.
pub async fn connected(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Runs a statement that the bench itself sends by a driver.
pub async fn run(database: &dyn Database, statement: &str) -> Result<()> {
    match database.query(statement, &[]).await {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow!("{error:?}: {statement}")),
    }
}

/// Makes a meta table in SQLite, as those of the server are.
pub async fn make_in_sqlite(database: &dyn Database, name: &str, rows: u32) -> Result<()> {
    for statement in [
        format!(
            "CREATE TABLE {name} (uid integer PRIMARY KEY, item text, weight double precision)"
        ),
        format!(
            "INSERT INTO {name} WITH RECURSIVE numbers (number) AS
                 (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {rows})
             SELECT number, 'lake/part-' || number || '.parquet', 1 + number * 37 % 99 FROM numbers"
        ),
    ] {
        run(database, &statement).await?;
    }
    Ok(())
}
