//! What happens when something fails, as a user runs it.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod workplace;

use std::fs;

use serde_json::Value;
use workplace::{COUNT_LINES, Workplace, fails, ok, text};

const JOB: [&str; 4] = ["--meta-table", "files", "--job", "lines"];

impl Workplace {
    /// A command on the job `lines`.
    fn on_job(&self, command: &str, options: &[&str]) -> Vec<String> {
        let all = [&[command], &JOB[..], options].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    fn acquire(&self, options: &[&str]) -> Value {
        let arguments = self.on_job("acquire", options);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = self.run(&arguments);
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{}",
            text(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn job(&self) -> Value {
        self.json(&["status"])[0].clone()
    }

    fn requeue(&self, target: &[&str]) -> u64 {
        let answer = self.json(&[&["requeue"], &JOB[..], target].concat());
        answer["ranges"].as_u64().unwrap()
    }
}

fn token(acquired: &Value) -> &str {
    acquired["batch"]["claim_token"].as_str().unwrap()
}

#[test]
fn what_failed_is_tried_again_until_it_is_exhausted_and_put_back() {
    let workplace = Workplace::prepared();
    let script = "grep -q b.txt && { echo broken >&2; exit 1; }; exit 0";
    let output = workplace.run_script(&["--max-count", "1", "--until-done"], script);
    fails(&output, 4, &["broken", "2 batches succeeded, 3 failed"]);
    let job = workplace.job();
    assert_eq!((&job["exhausted"], &job["waiting"]), (&1.into(), &0.into()));
    let history = workplace.json(&["history", "--queue", "exhausted"]);
    assert_eq!(
        (&history[0]["attempt"], &history[0]["id_start"]),
        (&3.into(), &2.into())
    );
    assert!(text(&workplace.run(&["history"]).stdout).contains("failed, exhausted"));

    assert_eq!(workplace.requeue(&["--exhausted"]), 1);
    assert_eq!(workplace.job()["waiting"], 1);
    ok(&workplace.run_script(&["--until-done"], COUNT_LINES));
    assert_eq!(workplace.numbers(), [3, 3, 0, 0]);
    // Whatever became of a range, it can be put back.
    assert_eq!(workplace.requeue(&["--ids", "1..2", "--ids", "99"]), 2);
    let id = workplace.json(&["history"])[1]["id"].to_string();
    assert_eq!(workplace.requeue(&["--attempt", &id]), 1);
    let bad = workplace.run(&[&["requeue"], &JOB[..]].concat());
    fails(&bad, 2, &["--exhausted"]);
    let bad = workplace.run(&[&["requeue"], &JOB[..], &["--ids", "x"]].concat());
    fails(&bad, 2, &["invalid digit"]);
}

#[test]
fn a_batch_without_a_sign_of_life_is_taken_from_its_owner() {
    let workplace = Workplace::prepared();
    let first = workplace.acquire(&["--lease", "1h"]);
    ok(&workplace.run(&["heartbeat", token(&first), "--lease", "90s"]));
    // Time goes by.
    workplace.execute("UPDATE inventory SET lease_expires = processing_start");
    let second = workplace.acquire(&["--lease", "1h"]);
    assert_eq!(second["batch"]["attempt"], 2);
    for late in [
        &["complete"][..],
        &["fail"],
        &["heartbeat", "--lease", "5m"],
    ] {
        let output = workplace.run(&[late, &[token(&first)]].concat());
        fails(&output, 5, &["taken from its owner"]);
    }
    ok(&workplace.run(&["complete", token(&second)]));
    assert_eq!(workplace.numbers(), [1, 1, 0, 0]);
}

#[test]
fn a_run_keeps_its_batch_alive() {
    let workplace = Workplace::prepared();
    // Longer than its lease, which nobody may take meanwhile.
    let mut child = workplace.start_script(&["--lease", "2s"], "cat > /dev/null; sleep 4");
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if workplace.json(&["history"])[0]["status"] == "running" {
            let nothing = workplace.run(&[&["acquire"], &JOB[..]].concat());
            assert_eq!(nothing.status.code(), Some(3));
        }
    };
    assert!(status.success());
    assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
}

#[test]
fn a_command_whose_batch_was_taken_away_is_killed() {
    let workplace = Workplace::prepared();
    let mut child = workplace.start_script(
        &["--lease", "1s", "--max-attempts", "1"],
        "touch started; sleep 600; touch finished",
    );
    while !workplace.path("started").exists() {
        assert!(child.try_wait().unwrap().is_none());
    }
    assert_eq!(workplace.requeue(&["--ids", "1..3"]), 1);
    let output = child.wait_with_output().unwrap();
    fails(&output, 4, &["taken from its owner", "1 failed"]);
    assert!(!workplace.path("finished").exists());
    assert_eq!(workplace.job()["waiting"], 1);
}

#[test]
fn a_claim_under_a_token_of_ones_own_may_be_repeated() {
    let workplace = Workplace::prepared();
    let options = ["--max-count", "1", "--token", "mine"];
    let first = workplace.acquire(&options);
    assert_eq!(workplace.acquire(&options), first);
    assert_eq!(
        workplace.acquire(&["--max-count", "1"])["batch"]["id_start"],
        2
    );
}

#[test]
fn rows_that_are_not_ready_hold_planning_back() {
    let workplace = Workplace::prepared();
    let hold = r#"{"column": "item", "op": "like", "value": "%b.txt"}"#;
    assert_eq!(workplace.acquire(&["--hold", hold])["batch"]["count"], 1);
    let nothing = workplace.acquire(&["--hold", hold]);
    assert_eq!(nothing["nothing"]["held"], 2);
    let arguments = workplace.on_job("plan", &["--hold", hold]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert!(text(&workplace.run(&arguments).stderr).contains("the id 2 is held"));
}

#[test]
fn another_configuration_must_be_accepted() {
    let workplace = Workplace::prepared();
    workplace.acquire(&["--max-count", "1"]);
    let changed = [&["acquire"], &JOB[..], &["--no-weight"]].concat();
    let output = workplace.run(&changed);
    fails(&output, 2, &["the weight column was", "--accept-change"]);
    ok(&workplace.run(&[&changed[..], &["--accept-change"]].concat()));
}

#[test]
fn an_audit_finds_what_changed_and_puts_it_back() {
    let workplace = Workplace::prepared();
    ok(&workplace.run_script(&["--until-done"], COUNT_LINES));
    let audit = [&["audit"], &JOB[..]].concat();
    let output = workplace.run(&audit);
    ok(&output);
    assert!(text(&output.stderr).contains("0 of 1 processed ranges differ"));

    workplace.execute("DELETE FROM files WHERE uid = 2");
    let output = workplace.run(&audit);
    fails(&output, 6, &["1 of 1 processed ranges differ"]);
    assert!(text(&output.stdout).contains("ITEMS NOW"));
    ok(&workplace.run(&[&audit[..], &["--requeue"]].concat()));
    ok(&workplace.run_script(&["--until-done"], COUNT_LINES));
    ok(&workplace.run(&audit));
}

#[test]
fn a_job_processes_the_results_of_another() {
    let workplace = Workplace::prepared();
    ok(&workplace.run_script(&["--max-count", "1", "--until-done"], COUNT_LINES));
    let sum = [
        "run",
        "--meta-table",
        "files",
        "--source-job",
        "lines",
        "--job",
        "sum",
    ];
    let script = ["--", "sh", "-c", "cat > results; echo '\"done\"'"];
    ok(&workplace.run(&[&sum[..], &script].concat()));
    assert_eq!(
        fs::read_to_string(workplace.path("results")).unwrap(),
        "3\n5\n7\n"
    );
}
