//! The tables that are measured on.

use anyhow::Result;
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
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
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
