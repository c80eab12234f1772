//! The dashboard in a real browser: an inventory with batches in all states, served, and looked at by
//! the tests in `tests/dashboard`.
//!
//! With BATCHINTORY_TEST_SCREENSHOTS set to a folder, they write the screenshots of `docs/` into it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use batchintory::{
    AcquireRequest, Acquisition, Batch, Operations as _, Outcome, Planner, RequeueTarget,
};
use batchintory_server::{HttpService, ServiceSettings};
use batchintory_tests::{TestDatabase, sqlite};
use batchintory_wasmtime::{DatabaseOptions, Databases, SystemRandom};
use tokio::net::TcpListener;
use tokio::process::Command;

const TOKEN: &str = "a-very-secret-token";

const LOG: &str = "Traceback (most recent call last):\n  File \"thumbnails.py\", line 31, in <module>\n    \
                   image.draft(\"RGB\", size)\nOSError: image file is truncated (12 bytes not processed)\n";

/// Meta tables: files, of which some were deleted; messages, of which the latest are not ready.
const TABLES: [&str; 4] = [
    "CREATE TABLE files (uid integer PRIMARY KEY AUTOINCREMENT, item text NOT NULL, weight double)",
    "WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 60000)
     INSERT INTO files SELECT id, 'raw/' || id || '.tif', 100 + id * 7919 % 400 FROM ids
     WHERE id NOT BETWEEN 21001 AND 23500",
    "CREATE TABLE messages (uid integer PRIMARY KEY AUTOINCREMENT, item text NOT NULL, weight double, ready integer)",
    "WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 9000)
     INSERT INTO messages SELECT id, 'topic-' || id % 8, 1, id < 7800 FROM ids",
];

/// Lets the attempts of a job have been made one after the other, until now.
const SPREAD: &str = "UPDATE inventory SET
    processing_start = strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('-%d seconds', 90 + ago)),
    processing_end = CASE WHEN processing_end IS NOT NULL
        THEN strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('-%d seconds', ago + uneven)) END
    FROM (SELECT id AS of_id, 25 * (max(id) OVER (PARTITION BY job) - id) AS ago, id * 7919 % 90 AS uneven
          FROM inventory) WHERE id = of_id";

struct World {
    planner: Planner<Databases, SystemRandom>,
}

impl World {
    async fn acquire(&self, request: &AcquireRequest) -> Result<Batch> {
        match self.planner.acquire(request.clone(), None).await? {
            Acquisition::Batch(batch) => Ok(batch),
            Acquisition::Nothing(nothing) => Err(anyhow!("nothing to do: {nothing:?}")),
        }
    }

    /// Processes so many batches well.
    async fn process(&self, request: &AcquireRequest, batches: u32) -> Result<()> {
        for _ in 0..batches {
            let batch = self.acquire(request).await?;
            self.end(&batch, Outcome::succeeded(None)).await?;
        }
        Ok(())
    }

    async fn fail(&self, request: &AcquireRequest) -> Result<()> {
        let batch = self.acquire(request).await?;
        self.end(&batch, Outcome::failed(LOG)).await
    }

    async fn end(&self, batch: &Batch, outcome: Outcome) -> Result<()> {
        let token = batch.claim_token.clone();
        Ok(self.planner.complete(token, outcome).await?)
    }

    /// Jobs of all kinds, with batches in all states.
    async fn make(&self) -> Result<()> {
        let checksums = AcquireRequest {
            max_count: Some(1_500),
            ..AcquireRequest::new("files", "checksums")
        };
        self.process(&checksums, 39).await?;

        let thumbnails = AcquireRequest {
            max_count: Some(250),
            max_attempts: 2,
            // So that none of them is handed out again while the tests look on.
            retry_delay_seconds: Some(86_400),
            lease_seconds: Some(3_600),
            ..AcquireRequest::new("files", "thumbnails")
        };
        let at_once = AcquireRequest {
            max_attempts: 1,
            ..thumbnails.clone()
        };
        self.process(&thumbnails, 31).await?;
        self.fail(&at_once).await?;
        self.process(&thumbnails, 58).await?;
        self.fail(&at_once).await?;
        self.fail(&at_once).await?;
        self.process(&thumbnails, 70).await?;
        self.fail(&thumbnails).await?;
        self.process(&thumbnails, 12).await?;
        for worker in ["worker-1", "worker-2", "worker-3"] {
            let request = AcquireRequest {
                job_identifier: Some(worker.into()),
                ..thumbnails.clone()
            };
            self.acquire(&request).await?;
        }

        let index = AcquireRequest {
            hold: Some(r#"{"column": "ready", "op": "=", "value": 0}"#.into()),
            max_count: Some(300),
            ..AcquireRequest::new("messages", "search index")
        };
        self.process(&index, 20).await?;
        let back = self.acquire(&index).await?;
        let (table, job) = ("messages".into(), "search index".into());
        let target = RequeueTarget::Batch(back.id);
        self.planner.requeue(table, job, target).await?;
        Ok(())
    }
}

/// A service with jobs of all kinds, and its URL. It ends with the test's runtime.
async fn serve(database: &TestDatabase) -> Result<String> {
    let run = async |statement: &str| -> Result<()> {
        let ran = database.connection.query(statement, &[]).await;
        ran.map(|_| ()).map_err(|error| anyhow!("{error:?}"))
    };
    for statement in TABLES {
        run(statement).await?;
    }
    let connection = || database.connection.clone();
    let databases = Databases::new(connection(), connection(), DatabaseOptions::default());
    let world = World {
        planner: Planner::new(databases.clone(), SystemRandom),
    };
    world.planner.migrate().await?;
    world.make().await?;
    run(SPREAD).await?;
    // One owner has gone.
    run("UPDATE inventory SET lease_expires = strftime('%Y-%m-%d %H:%M:%f000', 'now', '-75 seconds')
         WHERE job_identifier = 'worker-1'")
    .await?;
    let settings = ServiceSettings {
        api_token: Some(TOKEN.into()),
        ..ServiceSettings::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = HttpService::embedded(databases, settings)?;
    tokio::spawn(service.serve(listener, std::future::pending()));
    Ok(url)
}

/// A variable that `cargo xtask test` sets.
fn variable(name: &str) -> Result<PathBuf> {
    (env::var_os(name).map(PathBuf::from)).with_context(|| {
        format!("no browser to test in: run `cargo xtask test`, or set {name} as it does")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_works_in_a_browser() -> Result<()> {
    let chromium = variable("BATCHINTORY_TEST_CHROMIUM")?;
    let packages = variable("BATCHINTORY_TEST_NODE_PACKAGES")?;
    let database = sqlite().await?;
    let url = serve(&database).await?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"])
        .arg(here.join("dashboard/dashboard.test.js"))
        .env("DASHBOARD_URL", url)
        .env("DASHBOARD_TOKEN", TOKEN)
        .env("DASHBOARD_CHROMIUM", chromium)
        .env("DASHBOARD_PACKAGES", packages)
        .env_remove("DASHBOARD_SCREENSHOTS")
        .kill_on_drop(true);
    if let Some(folder) = env::var_os("BATCHINTORY_TEST_SCREENSHOTS") {
        // Relative to the checkout, where the command was typed.
        node.env("DASHBOARD_SCREENSHOTS", here.join("..").join(folder));
    }
    let status = node.status().await.context("node cannot be started")?;
    ensure!(status.success(), "a test in the browser failed: see above");
    Ok(())
}
