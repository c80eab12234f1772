//! Workers in Rust, Python and JavaScript do one job together, and some get killed.

use std::collections::BTreeMap;
use std::time::Duration;

use batchintory_tests::language::Language;
use batchintory_tests::tables::{Series, Table};
use batchintory_tests::{TestDatabase, postgres};
use batchintory_wasmtime::{HistoryQuery, Inventory, JobSummary};
use serde_json::Value;
use tokio::process::{Child, Command};

const ITEMS: i64 = 3_000;
const JOB: &str = "shared";
/// What a batch of the command line gives as its result; those of other languages name theirs.
const RESULT: &str = r#"cat > /dev/null; printf '{"language": "rust"}'"#;
/// Whenever so many more batches have succeeded, a worker is killed.
const BATCHES_PER_KILL: u64 = 40;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Two of each.
const WORKERS: [Option<Language>; 6] = [
    None,
    Some(Language::Python),
    Some(Language::JavaScript),
    None,
    Some(Language::Python),
    Some(Language::JavaScript),
];

/// Starts a worker; those of no other language are the command line's.
fn start(language: Option<Language>, url: &str) -> Child {
    let mut command = match language {
        Some(language) => {
            let mut command = language.program("worker").unwrap();
            command.args([url, url, JOB]);
            command
        }
        None => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_batchintory"));
            command
                .args(["run", "--inventory", url, "--meta-table", "files"])
                .args(["--job", JOB, "--max-count", "7", "--until-done"])
                .args(["--lease", "2s", "--max-attempts", "1000"])
                .args(["--", "sh", "-c", RESULT]);
            command
        }
    };
    command.kill_on_drop(true).spawn().unwrap()
}

async fn summary(inventory: &Inventory) -> Option<JobSummary> {
    inventory.jobs().await.unwrap().pop()
}

/// Lets the workers do the job. Gives back how many were killed.
async fn work(database: &TestDatabase, inventory: &Inventory) -> usize {
    let mut workers: Vec<Child> = WORKERS.map(|it| start(it, &database.url)).into();
    let mut kills = 0;
    let mut next_kill = BATCHES_PER_KILL;
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let Some(job) = summary(inventory).await else {
            continue;
        };
        if job.items == ITEMS as u64 {
            return kills;
        }
        let victim = kills % workers.len();
        if job.succeeded >= next_kill {
            workers[victim].kill().await.unwrap();
            kills += 1;
            next_kill += BATCHES_PER_KILL;
        }
        // Who was killed is started again, and who found nothing left while others had some.
        for (worker, language) in workers.iter_mut().zip(WORKERS) {
            if let Some(status) = worker.try_wait().unwrap() {
                let was_killed = status.code().is_none();
                assert!(was_killed || status.success(), "{language:?}: {status}");
                *worker = start(language, &database.url);
            }
        }
    }
}

/// All attempts, page by page.
async fn history(inventory: &Inventory) -> Vec<batchintory_wasmtime::Attempt> {
    let mut attempts = Vec::new();
    loop {
        let before = attempts
            .last()
            .map(|attempt: &batchintory_wasmtime::Attempt| attempt.id);
        let query = HistoryQuery {
            before,
            limit: 1_000,
            details: true,
            ..HistoryQuery::default()
        };
        let page = inventory.history(&query).await.unwrap();
        if page.is_empty() {
            return attempts;
        }
        attempts.extend(page);
    }
}

#[tokio::test]
async fn workers_of_three_languages_share_a_job_and_survive_each_other() {
    let database = postgres().await.unwrap();
    let inventory = Inventory::open(&database.url).await.unwrap();
    inventory.migrate().await.unwrap();
    let files = Table {
        series: Some(Series {
            from: 1,
            to: ITEMS,
            weight: 1.0,
        }),
        ..Table::files(Vec::new())
    };
    files.create(database.connection.as_ref()).await.unwrap();
    let kills = work(&database, &inventory).await;
    assert!(kills >= WORKERS.len(), "only {kills} were killed");

    let mut processed = Vec::new();
    let mut batches: BTreeMap<String, u32> = BTreeMap::new();
    for attempt in history(&inventory).await {
        if attempt.status == "succeeded" {
            processed.extend(attempt.id_start..=attempt.id_end);
            let result: Value = serde_json::from_str(&attempt.result_item.unwrap()).unwrap();
            let language = result["language"].as_str().unwrap();
            *batches.entry(language.to_owned()).or_default() += 1;
        }
    }
    processed.sort_unstable();
    assert_eq!(processed, (1..=ITEMS).collect::<Vec<_>>(), "{batches:?}");
    for language in ["javascript", "python", "rust"] {
        assert!(batches.contains_key(language), "{batches:?}");
    }
}
