//! What the job's database says of it.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use batchintory_tests::tables::execute;
use batchintory_wasmtime::{Access, Database, Inventory, Value, connect};
use tokio::runtime::Runtime;

use super::scene::JOB;
use super::small_disk::SmallDisk;

/// How many items come at once.
const ITEMS: i64 = 10;

/// How long a log is, of which a page has ten.
const LOG_BYTES: usize = 1_000_000;

/// A connection of the test's own, past the pooler.
pub(super) struct JobDatabase {
    connection: Arc<dyn Database>,
    runtime: Arc<Runtime>,
}

impl JobDatabase {
    /// With a meta table and an inventory, on the small disk where there is one.
    pub(super) fn prepare(
        runtime: Arc<Runtime>,
        url: &str,
        disk: Option<&SmallDisk>,
    ) -> Result<Self> {
        let connection = runtime.block_on(connect(url, Access::ReadWrite))?;
        runtime.block_on(async { Inventory::open(url).await?.migrate().await })?;
        let database = Self {
            connection,
            runtime,
        };
        database.execute(
            "CREATE TABLE files (uid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
             item text, weight double precision)",
        )?;
        if let Some(disk) = disk {
            let folder = disk.folder_of_postgres()?;
            database.execute(&format!(
                "CREATE TABLESPACE small LOCATION '{}'",
                folder.display()
            ))?;
            database.execute("ALTER TABLE inventory SET TABLESPACE small")?;
        }
        database.keep_logs()?;
        Ok(database)
    }

    /// Batches of another job with large logs, for those who ask for such and do not read them.
    fn keep_logs(&self) -> Result<()> {
        self.execute(&format!(
            "INSERT INTO inventory (meta_table, job, processing_start, processing_end, batch_id_start, \
             batch_id_end, batch_count, attempt, status, logging, config, batch_id_after, claim_token, \
             max_attempts, watermark, ranges_through, items_through, weight_through) SELECT 'public.files', 'logs', now(), now(), number, number, 1, 1, \
             'succeeded', repeat('x', {LOG_BYTES}), '{{}}', number - 1, 'claim-of-log-' || number, 1, number, number, number, 0 \
             FROM generate_series(1, 10) AS number"
        ))
    }

    fn execute(&self, statement: &str) -> Result<()> {
        (self.runtime).block_on(execute(self.connection.as_ref(), statement, &[]))
    }

    /// More items; they may not come where the database cannot be reached.
    pub(super) fn append_items(&self) {
        let _ = self.execute(&format!(
            "INSERT INTO files (item, weight) SELECT 'item', 1 FROM generate_series(1, {ITEMS})"
        ));
    }

    fn rows(&self, question: &str) -> Result<Vec<Vec<Value>>> {
        let answer = self.runtime.block_on(self.connection.query(question, &[]));
        Ok(answer
            .map_err(|error| anyhow!("{question}: {error:?}"))?
            .rows)
    }

    fn number(&self, question: &str) -> Result<i64> {
        match self.rows(question)?.first().and_then(|row| row.first()) {
            Some(Value::Int64(number)) => Ok(*number),
            _ => Err(anyhow!("{question}: no number")),
        }
    }

    /// How many items there are.
    pub(super) fn items(&self) -> Result<i64> {
        self.number("SELECT count(*) FROM files")
    }

    /// How many items are not in exactly one batch that succeeded.
    pub(super) fn astray(&self) -> Result<i64> {
        self.number(&format!(
            "WITH processed AS (SELECT generate_series(batch_id_start, batch_id_end) AS uid \
             FROM inventory WHERE job = '{JOB}' AND status = 'succeeded'), \
             counted AS (SELECT uid, count(*) AS times FROM processed GROUP BY uid) \
             SELECT count(*) FROM files LEFT JOIN counted USING (uid) \
             WHERE counted.times IS DISTINCT FROM 1"
        ))
    }

    /// How many batches run or wait.
    pub(super) fn left(&self) -> Result<i64> {
        self.number("SELECT count(*) FROM inventory WHERE queue <> 'followed'")
    }

    /// How many batches there are, and how many of them succeeded.
    pub(super) fn attempts(&self) -> Result<(i64, i64)> {
        let all = format!("SELECT count(*) FROM inventory WHERE job = '{JOB}'");
        let succeeded = format!("{all} AND status = 'succeeded'");
        Ok((self.number(&all)?, self.number(&succeeded)?))
    }

    /// The tokens of all claims.
    pub(super) fn claim_tokens(&self) -> Result<Vec<String>> {
        let rows = self.rows("SELECT claim_token FROM inventory")?;
        let tokens = rows.into_iter().flatten();
        Ok(tokens
            .filter_map(|token| match token {
                Value::Text(token) => Some(token),
                _ => None,
            })
            .collect())
    }
}
