//! What it costs to look at twelve jobs with a long history, beside a short one: `jobs`, `/metrics` and the
//! dashboard, on PostgreSQL and on SQLite.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_wasmtime::{Access, AcquireRequest, Database, Inventory, JobsQuery, connect};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::claims::{Ours, claim};
use crate::report::{Bar, Report};
use crate::service::client::{Connection, TOKEN};
use crate::tables::{Server, make_in_sqlite, run};
use crate::timing::{Rounds, Samples};

const SHORT: u64 = 100;
/// How many attempts are written at once.
const PART: u64 = 100_000;
const BAR: Bar = Bar::AtMost(1.5);

/// Attempts at ranges of ten ids, of twelve jobs in turn; one range in fifty has failed once.
const HISTORY: &str = "
    INSERT INTO {table} (meta_table, job, processing_start, processing_end, batch_id_start, batch_id_end,
        batch_weight, batch_count, attempt, status, config, batch_id_after, claim_token, max_attempts, watermark, queue_from,
        queue, ranges_through, items_through, weight_through)
    WITH RECURSIVE numbers (number) AS (SELECT {from} UNION ALL SELECT number + 1 FROM numbers WHERE number < {to})
    SELECT first.meta_table, 'job ' || (number % 12), first.processing_start, first.processing_start,
        number / 12 * 10 + 1, number / 12 * 10 + 10, 500, 10, try,
        CASE WHEN number / 12 % 50 = 49 AND try = 1 THEN 'failed' ELSE 'succeeded' END, first.config,
        CASE WHEN number < 12 THEN -9223372036854775808 ELSE number / 12 * 10 END, 'claim ' || number || ' ' || try, 3,
        CASE WHEN number < 12 THEN -9223372036854775808 ELSE number / 12 * 10 END,
        CASE WHEN number < 12 THEN -9223372036854775808 ELSE number / 12 * 10 END,
        CASE WHEN number / 12 % 50 = 49 AND try = 1 THEN 'followed' END,
        number / 12 + 1, number / 12 * 10 + 10, number / 12 * 500 + 500
    FROM (SELECT * FROM {table} WHERE job = 'template') AS first, numbers, (SELECT 1 AS try UNION ALL SELECT 2) AS tries
    WHERE try = 1 OR number / 12 % 50 = 49";

/// An inventory, and a service before it.
struct Looked {
    inventory: Inventory,
    address: String,
    service: JoinHandle<()>,
    jobs: Samples,
    metrics: Samples,
    dashboard: Samples,
}

/// Measures.
pub async fn measure(
    server: &Server,
    attempts: u64,
    rounds: &Rounds,
    report: &mut Report,
) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("batchintory-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let sqlite = format!("sqlite:{}", folder.join("status.db").display());
    for (url, meta_table, keys) in [
        (
            server.url.as_str(),
            "files_1m",
            [
                "jobs_1m_over_100",
                "metrics_1m_over_100",
                "dashboard_1m_over_100",
            ],
        ),
        (
            &sqlite,
            "files",
            [
                "jobs_1m_over_100_sqlite",
                "metrics_1m_over_100_sqlite",
                "dashboard_1m_over_100_sqlite",
            ],
        ),
    ] {
        if url == sqlite {
            let connection = connect(url, Access::Create).await?;
            make_in_sqlite(connection.as_ref(), "files", 1_000_000).await?;
        }
        let mut short = Looked::open(url, meta_table, "status_short", SHORT).await?;
        let mut long = Looked::open(url, meta_table, "status_long", attempts).await?;
        for _ in 0..rounds.looks {
            short.look().await?;
            long.look().await?;
        }
        for (key, samples) in keys.into_iter().zip([
            (&long.jobs, &short.jobs),
            (&long.metrics, &short.metrics),
            (&long.dashboard, &short.dashboard),
        ]) {
            let (long, short) = (samples.0.median(), samples.1.median());
            eprintln!("{key}: {:.2} ms over {:.2} ms", long * 1e3, short * 1e3);
            report.add(key, long / short, BAR);
        }
        short.service.abort();
        long.service.abort();
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

impl Looked {
    async fn open(url: &str, meta_table: &str, table: &str, attempts: u64) -> Result<Self> {
        let database = connect(url, Access::ReadWrite).await?;
        run(database.as_ref(), &format!("DROP TABLE IF EXISTS {table}")).await?;
        let inventory = Inventory::builder()
            .inventory(Arc::clone(&database))
            .inventory_table(table)
            .build()?;
        inventory.migrate().await?;
        fill(database.as_ref(), &inventory, meta_table, table, attempts).await?;
        let settings = ServiceSettings {
            api_token: Some(TOKEN.into()),
            ..ServiceSettings::default()
        };
        let service = HttpService::embedded(inventory.databases(), settings)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let service = tokio::spawn(async move {
            let _ = service.serve(listener, std::future::pending()).await;
        });
        Ok(Self {
            inventory,
            address,
            service,
            jobs: Samples::default(),
            metrics: Samples::default(),
            dashboard: Samples::default(),
        })
    }

    async fn look(&mut self) -> Result<()> {
        let start = Instant::now();
        let jobs = self.inventory.jobs(&JobsQuery::default()).await?;
        self.jobs.add_since(start);
        ensure!(jobs.len() == 12, "{} jobs", jobs.len());
        // The service has closed one that lay idle while a history was made.
        let mut connection = Connection::open(&self.address).await?;
        for (path, samples) in [("/metrics", &mut self.metrics), ("/", &mut self.dashboard)] {
            let start = Instant::now();
            let status = connection.get(path).await?;
            samples.add_since(start);
            ensure!(status == 200, "{path} answers {status}");
        }
        Ok(())
    }
}

/// So many attempts, and a few more of those that failed.
async fn fill(
    database: &dyn Database,
    inventory: &Inventory,
    meta_table: &str,
    table: &str,
    attempts: u64,
) -> Result<()> {
    // A range of the planner's own, for the configuration that it keeps.
    let first = AcquireRequest {
        max_count: Some(10),
        ..AcquireRequest::new(meta_table, "template")
    };
    claim(inventory, &first, &mut Ours::default()).await?;
    let mut from = 0;
    while from < attempts {
        let to = (from + PART).min(attempts);
        let history = HISTORY
            .replace("{table}", table)
            .replace("{from}", &from.to_string())
            .replace("{to}", &(to - 1).to_string());
        run(database, &history).await?;
        from = to;
    }
    run(
        database,
        &format!("DELETE FROM {table} WHERE job = 'template'"),
    )
    .await?;
    // As autovacuum does after so many rows; SQLite does nothing by itself.
    if meta_table != "files" {
        run(database, &format!("VACUUM ANALYZE {table}")).await?;
    }
    Ok(())
}
