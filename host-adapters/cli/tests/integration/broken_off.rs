//! A run that is signalled, killed or kept waiting.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::workplace::{COUNT_LINES, Workplace, fails, ok, text};
use batchintory_wasmtime::{Access, connect};
use serde_json::Value;

const JOB: [&str; 5] = ["run", "--meta-table", "files", "--job", "lines"];
const WAIT: &str = "cat > /dev/null; touch started; while [ ! -e go ]; do sleep 0.01; done; echo 1";

pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Waits until the command has made this file.
pub(crate) fn wait_for(child: &mut Child, path: &Path) {
    while !path.exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
}

/// Waits until standard error says this.
pub(crate) fn wait_for_words(child: &mut Child, words: &str) {
    let errors = child.stderr.as_mut().unwrap();
    let mut told = Vec::new();
    while !text(&told).contains(words) {
        let mut byte = [0];
        errors.read_exact(&mut byte).unwrap();
        told.extend(byte);
    }
}

/// Starts a run through a program that changes how it takes signals.
fn start_by(workplace: &Workplace, by: &[&str], script: &str) -> Child {
    let own = workplace.command(&JOB);
    let mut command = Command::new(by[0]);
    command
        .current_dir(workplace.directory.path())
        .args(&by[1..])
        .arg(own.get_program())
        .args(own.get_args())
        .args(["--max-count", "1", "--until-done", "--", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.spawn().unwrap()
}

#[test]
fn a_run_whose_terminal_is_gone_lets_its_command_end() {
    let workplace = Workplace::prepared();
    // Whoever runs the tests may ignore it.
    let mut child = start_by(&workplace, &["env", "--default-signal=HUP"], WAIT);
    wait_for(&mut child, &workplace.path("started"));
    signal(&child, "-HUP");
    wait_for_words(&mut child, "stopping");
    fs::write(workplace.path("go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    fails(&output, 130, &["1 batch succeeded"]);
    assert_eq!(workplace.numbers(), [1, 0, 0, 2]);
}

#[test]
fn a_run_that_is_to_go_on_without_its_terminal_does() {
    let workplace = Workplace::prepared();
    let mut child = start_by(&workplace, &["env", "--ignore-signal=HUP"], WAIT);
    wait_for(&mut child, &workplace.path("started"));
    signal(&child, "-HUP");
    fs::write(workplace.path("go"), "").unwrap();
    ok(&child.wait_with_output().unwrap());
    assert_eq!(workplace.numbers(), [3, 0, 0, 0]);
}

#[test]
fn a_second_signal_ends_a_run_whose_inventory_is_locked() {
    let workplace = Workplace::prepared();
    let mut child = workplace.start_script(&["--max-count", "1", "--until-done"], WAIT);
    wait_for(&mut child, &workplace.path("started"));
    let url = format!("sqlite:{}", workplace.path("batchintory.sqlite").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let execute = |database: &std::sync::Arc<dyn batchintory_wasmtime::Database>,
                   statement: &str| {
        runtime.block_on(database.query(statement, &[])).unwrap();
    };
    let database = runtime.block_on(connect(&url, Access::ReadWrite)).unwrap();
    execute(&database, "BEGIN IMMEDIATE");
    // Now the batch cannot be ended.
    fs::write(workplace.path("go"), "").unwrap();
    signal(&child, "-TERM");
    wait_for_words(&mut child, "stopping");
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    fails(
        &output,
        130,
        &["batch 1 could not be ended", "lease is over"],
    );
    execute(&database, "ROLLBACK");
    assert_eq!(workplace.numbers(), [0, 0, 1, 2]);
}

#[test]
fn a_second_signal_ends_a_run_that_waits_for_a_claim() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(batchintory_tests::postgres()).unwrap();
    let mut workplace = Workplace::new();
    workplace.url = Some(database.url.clone());
    workplace.prepare();
    let lock = "DO $$ BEGIN LOCK TABLE inventory IN EXCLUSIVE MODE; PERFORM pg_sleep(600); END $$";
    let connection = database.connection.clone();
    let locker = runtime.spawn(async move { connection.query(lock, &[]).await });
    let count = |condition: &str| {
        let statement = format!("SELECT count(*) FROM pg_locks WHERE {condition}");
        let rows = runtime.block_on(database.connection.query(&statement, &[]));
        rows.unwrap().rows[0][0].clone()
    };
    let none = batchintory_wasmtime::Value::Int64(0);
    let here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while count(&format!("{here} AND mode = 'ExclusiveLock' AND granted")) == none {}
    let mut child = workplace.start_script(&["--until-done"], "cat > /dev/null");
    while count(&format!("{here} AND NOT granted")) == none {
        assert!(child.try_wait().unwrap().is_none());
    }
    signal(&child, "-INT");
    wait_for_words(&mut child, "stopping");
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    fails(&output, 130, &["the databases do not answer"]);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE query LIKE 'DO %' AND pid <> pg_backend_pid() AND datname = current_database()";
    runtime
        .block_on(database.connection.query(end, &[]))
        .unwrap();
    assert!(runtime.block_on(locker).unwrap().is_err());
}

#[test]
fn a_second_signal_ends_a_run_that_nobody_reads() {
    let workplace = Workplace::prepared();
    // More than a pipe holds.
    let script = "cat > /dev/null; touch started; head -c 1000000 /dev/zero >&2; sleep 1000";
    let mut child = workplace.start_script(&[], script);
    wait_for(&mut child, &workplace.path("started"));
    signal(&child, "-TERM");
    // It cannot be told that the first one was taken: as one that waits, a second one would be no other.
    while is_pending(child.id()) {}
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Whether a signal waits to be taken.
fn is_pending(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let waiting = status
        .lines()
        .filter(|line| line.starts_with("SigPnd:") || line.starts_with("ShdPnd:"));
    waiting
        .into_iter()
        .any(|line| line.contains(|digit| ('1'..='9').contains(&digit)))
}

/// Kills a run, and waits until the process is gone whose number this command has written down, or waits for
/// nothing but its burial.
fn ends_with_its_run(script: &str) {
    let workplace = Workplace::prepared();
    let mut child = workplace.start_script(&[], script);
    wait_for(&mut child, &workplace.path("started"));
    child.kill().unwrap();
    child.wait().unwrap();
    let pid = fs::read_to_string(workplace.path("pid")).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        std::thread::yield_now();
    }
    assert_eq!(workplace.numbers(), [0, 0, 1, 0]);
}

/// Tells its number, and works for ever.
const ENDLESS: &str = "echo $$ > pid; touch started; while true; do sleep 0.01; done";

#[test]
fn a_command_does_not_outlive_its_run() {
    ends_with_its_run(&format!("cat > /dev/null; {ENDLESS}"));
}

/// A shell is killed with its run, and so is what works for it.
#[test]
fn what_a_command_has_started_does_not_outlive_its_run() {
    ends_with_its_run(&format!("cat > /dev/null; sh -c '{ENDLESS}'; echo 1"));
}

#[test]
fn a_command_outlives_threads_of_its_run() {
    let workplace = Workplace::prepared();
    // The runtime's threads end when they are idle for ten seconds.
    let script = "cat > /dev/null; sleep 12";
    ok(&workplace.run_script(&[], script));
    assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
}

fn end_what_was_left(workplace: &Workplace) {
    let left = fs::read_to_string(workplace.path("left")).unwrap();
    let ended = Command::new("kill").arg(left.trim()).status().unwrap();
    assert!(ended.success(), "it was not to be killed");
}

#[test]
fn what_a_command_leaves_behind_does_not_keep_its_batch() {
    let workplace = Workplace::prepared();
    let script = "cat > /dev/null; sleep 1000 & echo $! > left; echo oh >&2; echo 7";
    let output = workplace.run_script(&[], script);
    ok(&output);
    assert!(text(&output.stderr).contains("has left processes behind"));
    let history = workplace.json(&["history"]);
    assert_eq!(
        (&history[0]["result_item"], &history[0]["log"]),
        (&7.into(), &"oh".into())
    );
    end_what_was_left(&workplace);

    // What it left may hold its input too, and leave more items unread than a pipe holds.
    let workplace = Workplace::prepared();
    workplace.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) \
         INSERT INTO files (item) SELECT 'item ' || i FROM n",
    );
    let script = "exec 3<&0; sleep 1000 <&3 & echo $! > left; exit 1";
    fails(
        &workplace.run_script(&[], script),
        4,
        &["has left processes behind"],
    );
    end_what_was_left(&workplace);
}

#[test]
fn a_range_whose_rows_are_gone_succeeds_without_its_command() {
    let workplace = Workplace::prepared();
    fails(
        &workplace.run_script(&["--max-count", "2"], "exit 1"),
        4,
        &[],
    );
    workplace.execute("DELETE FROM files WHERE uid < 3");
    let output: Output = workplace.run_script(&["--max-count", "2"], "touch started");
    ok(&output);
    let errors = text(&output.stderr);
    assert!(
        errors.contains("(ids 1 to 2) has no items, since its rows are gone"),
        "{errors}"
    );
    assert!(errors.contains("1 batch succeeded: 0 items"), "{errors}");
    assert!(!workplace.path("started").exists());
    let history = workplace.json(&["history"]);
    assert_eq!(history[0]["count"], 0);
    assert_eq!(
        history[0]["log"],
        "no items: the rows of this range are gone"
    );
    assert_eq!(history[0]["result_item"], Value::Null);
    ok(&workplace.run_script(&["--until-done"], COUNT_LINES));
    assert_eq!(workplace.numbers(), [2, 1, 0, 0]);
}
