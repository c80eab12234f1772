//! Workers in Rust, Python and JavaScript do one job together, and some get killed.

use std::collections::BTreeMap;
use std::time::Duration;

use batchintory_tests::language::Language;
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::turns::{SCRIPT, Turns};
use batchintory_tests::{TestDatabase, postgres};
use batchintory_wasmtime::{Attempt, HistoryQuery, Inventory, JobsQuery};
use serde_json::Value;
use tokio::process::{Child, Command};

/// Enough for all workers to have several batches of seven after the last kill.
const ITEMS: i64 = 840;
const JOB: &str = "shared";
/// So many batches end between two rounds of kills.
const BATCHES_PER_ROUND: usize = 12;

/// Two of each; `None` is the command line.
const WORKERS: [Option<Language>; 6] = [
    None,
    Some(Language::Python),
    Some(Language::JavaScript),
    None,
    Some(Language::Python),
    Some(Language::JavaScript),
];

/// Who is killed in each round: one while it has a batch, and one at whatever it is at.
const ROUNDS: [(usize, usize); 3] = [(0, 4), (1, 5), (2, 3)];

/// How often is looked whether a worker has failed, while none says that it has a batch.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

struct Worker {
    name: String,
    process: Child,
}

/// The workers, which go on with a batch when they are told to.
struct Crew<'a> {
    database: &'a TestDatabase,
    turns: Turns,
    workers: Vec<Worker>,
    hired: usize,
    killed: Vec<String>,
}

impl<'a> Crew<'a> {
    fn new(database: &'a TestDatabase) -> Self {
        let mut crew = Self {
            database,
            turns: Turns::new().unwrap(),
            workers: Vec::new(),
            hired: 0,
            killed: Vec::new(),
        };
        for language in WORKERS {
            let worker = crew.hire(language);
            crew.workers.push(worker);
        }
        crew
    }

    fn hire(&mut self, language: Option<Language>) -> Worker {
        let name = format!("worker-{}", self.hired);
        self.hired += 1;
        let url = &self.database.url;
        let mut command = match language {
            Some(language) => {
                let mut command = language.program("worker").unwrap();
                command.args([url, url, JOB]);
                command
            }
            None => {
                let result = r#"printf '{"language": "rust"}'"#;
                let script = format!("cat > /dev/null; {SCRIPT} && {result}");
                let mut command = Command::new(env!("CARGO_BIN_EXE_batchintory"));
                command
                    .args(["run", "--inventory", url, "--meta-table", "files"])
                    .args(["--job", JOB, "--job-identifier", &name])
                    .args(["--max-count", "7", "--until-done"])
                    .args(["--lease", "1h", "--max-attempts", "1000"])
                    .args(["--", "sh", "-c", &script]);
                command
            }
        };
        let process = command
            .envs(self.turns.admit(&name).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Worker { name, process }
    }

    /// The next worker that has a batch; none, when all have ended.
    async fn next(&mut self) -> Option<usize> {
        loop {
            if let Ok(name) = tokio::time::timeout(LOOK_AGAIN, self.turns.next()).await {
                let name = name.unwrap();
                let worker = self.workers.iter().position(|it| it.name == name);
                return Some(worker.expect("those who were killed were dismissed"));
            }
            let mut at_work = false;
            for worker in &mut self.workers {
                match worker.process.try_wait().unwrap() {
                    None => at_work = true,
                    Some(status) => assert!(status.success(), "{}: {status}", worker.name),
                }
            }
            if !at_work {
                return None;
            }
        }
    }

    fn go_on(&mut self, worker: usize) {
        self.turns.go_on(&self.workers[worker].name).unwrap();
    }

    /// Lets so many batches come to their end.
    async fn pass(&mut self, batches: usize) {
        for _ in 0..batches {
            let worker = self.next().await.expect("there is work left");
            self.go_on(worker);
        }
    }

    /// Waits until every worker has a batch, all at the same time.
    async fn gather(&mut self) {
        let mut waiting = [false; WORKERS.len()];
        while waiting.contains(&false) {
            let worker = self.next().await.expect("there is work left");
            waiting[worker] = true;
        }
    }

    /// Kills a worker, and hires another one for it.
    async fn kill(&mut self, worker: usize) {
        self.workers[worker].process.kill().await.unwrap();
        let successor = self.hire(WORKERS[worker]);
        let killed = std::mem::replace(&mut self.workers[worker], successor).name;
        self.turns.dismiss(&killed).unwrap();
        self.killed.push(killed);
        self.let_time_go_by().await;
    }

    /// Lets the leases of those who were killed run out.
    async fn let_time_go_by(&self) {
        let killed = self.killed.join("', '");
        let expire = format!(
            "UPDATE inventory SET lease_expires = processing_start \
             WHERE queue = 'running' AND job_identifier IN ('{killed}')"
        );
        let connection = self.database.connection.as_ref();
        execute(connection, &expire, &[]).await.unwrap();
    }
}

/// All attempts, page by page.
async fn history(inventory: &Inventory) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    loop {
        let before = attempts.last().map(|attempt: &Attempt| attempt.id);
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

/// Lets the workers do the job. Gives back who was killed while it had a batch.
async fn work(database: &TestDatabase, inventory: &Inventory) -> Vec<String> {
    let mut crew = Crew::new(database);
    let mut killed_with_a_batch = Vec::new();
    // Whoever starts first: none goes on before all of them take part.
    crew.gather().await;
    for (with_a_batch, at_anything) in ROUNDS {
        killed_with_a_batch.push(crew.workers[with_a_batch].name.clone());
        crew.kill(with_a_batch).await;
        for worker in (0..WORKERS.len()).filter(|worker| *worker != with_a_batch) {
            crew.go_on(worker);
        }
        crew.kill(at_anything).await;
        crew.pass(BATCHES_PER_ROUND).await;
        crew.gather().await;
    }
    for worker in 0..WORKERS.len() {
        crew.go_on(worker);
    }
    loop {
        while let Some(worker) = crew.next().await {
            crew.go_on(worker);
        }
        // What somebody sent who was killed may have come late.
        let jobs = inventory.jobs(&JobsQuery::default()).await.unwrap();
        if jobs[0].items == ITEMS as u64 && jobs[0].running == 0 {
            return killed_with_a_batch;
        }
        crew.let_time_go_by().await;
        crew.workers[0] = crew.hire(WORKERS[0]);
    }
}

#[tokio::test]
async fn workers_of_three_languages_share_a_job_and_survive_each_other() {
    let database = postgres().await.unwrap();
    let inventory = Inventory::open(&database.url).await.unwrap();
    inventory.migrate().await.unwrap();
    let files = Table::of_items(ITEMS);
    files.create(database.connection.as_ref()).await.unwrap();
    let killed = work(&database, &inventory).await;

    let attempts = history(&inventory).await;
    let mut processed = Vec::new();
    let mut batches: BTreeMap<String, u32> = BTreeMap::new();
    for attempt in attempts.iter().filter(|it| it.status == "succeeded") {
        processed.extend(attempt.id_start..=attempt.id_end);
        let result = attempt.result_item.as_ref().unwrap();
        let result: Value = serde_json::from_str(result).unwrap();
        let language = result["language"].as_str().unwrap();
        *batches.entry(language.to_owned()).or_default() += 1;
    }
    processed.sort_unstable();
    assert_eq!(processed, (1..=ITEMS).collect::<Vec<_>>(), "{batches:?}");
    for language in ["javascript", "python", "rust"] {
        assert!(batches.contains_key(language), "{batches:?}");
    }
    // What each of the killed ones had was handed out again.
    for killed in killed {
        let latest = (attempts.iter()).find(|it| it.job_identifier.as_ref() == Some(&killed));
        let lost = latest.unwrap();
        assert_eq!(lost.log.as_deref(), Some("the lease ran out"), "{lost:?}");
        let again = (attempts.iter())
            .find(|it| it.id_start == lost.id_start && it.attempt == lost.attempt + 1);
        assert!(again.is_some(), "{lost:?}");
    }
}
