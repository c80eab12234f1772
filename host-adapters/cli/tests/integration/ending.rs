//! Ends of batches that the inventory does not take.

use std::fs;
use std::io::Read;
use std::process::Child;

use batchintory_tests::TestDatabase;
use batchintory_tests::proxy::Proxy;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::workplace::{Workplace, fails, ok, text};

/// A workplace whose database has no letters but those of western Europe.
fn of_few_letters(runtime: &Runtime) -> (Workplace, TestDatabase) {
    let database = (runtime.block_on(batchintory_tests::postgres_of_few_letters())).unwrap();
    let mut workplace = Workplace::new();
    workplace.url = Some(database.url.clone());
    workplace.prepare();
    (workplace, database)
}

#[test]
fn a_result_that_can_never_be_kept_fails_its_batch() {
    let runtime = Runtime::new().unwrap();
    let (workplace, _database) = of_few_letters(&runtime);
    let script = r#"cat > /dev/null; printf '"\342\230\203"'"#;
    let options = ["--max-attempts", "1"];
    let output = workplace.run_script(&options, script);
    fails(
        &output,
        4,
        &["failed: ", "can never store", "1 attempt failed"],
    );
    let latest = workplace.json(&["history"])[0].clone();
    assert_eq!(latest["status"], "failed");
    let log = latest["log"].as_str().unwrap();
    assert!(log.contains("can never store"), "{log}");
}

#[test]
fn a_log_is_kept_in_the_letters_that_there_are() {
    let runtime = Runtime::new().unwrap();
    let (workplace, _database) = of_few_letters(&runtime);
    let script = r#"cat > /dev/null; printf 'cold \342\230\203' >&2; echo 7"#;
    let output = workplace.run_script(&[], script);
    ok(&output);
    assert!(!text(&output.stderr).contains("warning"));
    let latest = workplace.json(&["history"])[0].clone();
    assert_eq!(latest["status"], "succeeded");
    assert_eq!(latest["result_item"], Value::from(7));
    assert_eq!(latest["log"], "cold ?");
}

/// A workplace whose database can be cut off.
fn behind_a_proxy(runtime: &Runtime) -> (Workplace, TestDatabase, Proxy) {
    let database = runtime.block_on(batchintory_tests::postgres()).unwrap();
    let server = (database.url.split('@').nth(1))
        .and_then(|rest| rest.split('/').next())
        .unwrap();
    let proxy = runtime.block_on(Proxy::before(server.to_owned())).unwrap();
    let mut workplace = Workplace::new();
    workplace.url = Some(database.url.replace(server, &proxy.address.to_string()));
    workplace.prepare();
    (workplace, database, proxy)
}

fn wait_for(child: &mut Child, workplace: &Workplace, name: &str) {
    while !workplace.path(name).exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
}

/// Waits until standard error says this, and gives back what it has said.
fn wait_for_words(child: &mut Child, words: &str) -> String {
    let errors = child.stderr.as_mut().unwrap();
    let mut told = Vec::new();
    while !text(&told).contains(words) {
        let mut byte = [0];
        assert_eq!(errors.read(&mut byte).unwrap(), 1, "{}", text(&told));
        told.extend(byte);
    }
    text(&told)
}

const WAIT: &str =
    "cat > /dev/null; echo $$ > pid; touch started; while [ ! -e go ]; do sleep 0.05; done; echo 7";

#[test]
fn an_end_is_tried_again_until_the_database_is_back() {
    let runtime = Runtime::new().unwrap();
    let (workplace, _database, proxy) = behind_a_proxy(&runtime);
    let mut child = workplace.start_script(&["--max-count", "1", "--batches", "2"], WAIT);
    wait_for(&mut child, &workplace, "started");
    proxy.cut();
    fs::write(workplace.path("go"), "").unwrap();
    wait_for_words(&mut child, "batch 1 (ids 1 to 1) cannot be ended yet");
    proxy.heal();
    ok(&child.wait_with_output().unwrap());
    assert_eq!(workplace.numbers(), [2, 0, 0, 1]);
    assert_eq!(workplace.json(&["history"])[1]["result_item"], 7);
}

#[test]
fn a_server_that_takes_no_writes_for_a_while_is_waited_for() {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(batchintory_tests::postgres()).unwrap();
    let mut workplace = Workplace::new();
    workplace.url = Some(database.url.clone());
    workplace.prepare();
    let execute = |statement: &str| {
        (runtime.block_on(database.connection.query(statement, &[]))).unwrap();
    };
    // As between the loss of a primary server and the rise of another.
    execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE 'in a read-only transaction' USING ERRCODE = '25006'; END $$",
    );
    let trigger = |of: &str| {
        format!(
            "CREATE TRIGGER standby BEFORE {of} ON inventory FOR EACH ROW EXECUTE FUNCTION fail()"
        )
    };
    let mut child = workplace.start_script(&["--max-count", "1", "--until-done"], WAIT);
    wait_for(&mut child, &workplace, "started");
    execute(&trigger("INSERT OR UPDATE OF status"));
    fs::write(workplace.path("go"), "").unwrap();
    wait_for_words(&mut child, "cannot be ended yet");
    // At once, so that no claim comes between.
    let claims_alone = trigger("INSERT");
    execute(&format!(
        "DO $$ BEGIN DROP TRIGGER standby ON inventory; {claims_alone}; END $$"
    ));
    wait_for_words(&mut child, "no batch can be claimed now");
    execute("DROP TRIGGER standby ON inventory");
    ok(&child.wait_with_output().unwrap());
    assert_eq!(workplace.numbers(), [3, 0, 0, 0]);
    assert_eq!(workplace.json(&["history"])[2]["result_item"], 7);
}

#[test]
fn whatever_else_the_database_says_a_result_is_kept() {
    let workplace = Workplace::prepared();
    workplace.execute(
        "CREATE TRIGGER full BEFORE UPDATE OF status ON inventory \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    );
    let mut child = workplace.start_script(&[], "cat > /dev/null; echo 7");
    wait_for_words(&mut child, "the disk is full");
    assert_eq!(workplace.numbers(), [0, 0, 1, 0]);
    workplace.execute("DROP TRIGGER full");
    ok(&child.wait_with_output().unwrap());
    assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
    assert_eq!(workplace.json(&["history"])[0]["result_item"], 7);
}

#[test]
fn a_batch_whose_end_is_not_taken_in_time_counts_as_lost() {
    let workplace = Workplace::prepared();
    workplace.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON inventory \
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    );
    let output = workplace.run_script(&["--lease", "2s"], "cat > /dev/null; echo 7");
    let told = [
        "cannot be ended yet",
        "the disk is full",
        "no sign of life got through",
    ];
    fails(&output, 4, &told);
    assert_eq!(workplace.numbers(), [0, 0, 1, 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_of_an_owner_who_has_lost_contact_is_killed() {
    let runtime = Runtime::new().unwrap();
    let (workplace, _database, proxy) = behind_a_proxy(&runtime);
    let mut child = workplace.start_script(&["--lease", "6s", "--max-count", "1"], WAIT);
    wait_for(&mut child, &workplace, "started");
    proxy.cut();
    wait_for_words(&mut child, "no sign of life got through");
    let pid = fs::read_to_string(workplace.path("pid")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    proxy.heal();
    assert_eq!(workplace.numbers(), [0, 0, 1, 2]);
}

#[test]
fn long_items_are_handed_over_in_smaller_pages() {
    let workplace = Workplace::prepared();
    workplace.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) \
         INSERT INTO files (item) SELECT hex(zeroblob(10000)) FROM n",
    );
    ok(&workplace.run_script(&[], "wc -l"));
    assert_eq!(workplace.json(&["history"])[0]["result_item"], 4003);
}
