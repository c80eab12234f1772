//! What happens when something fails, as a user runs it.

use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::workplace::{COUNT_LINES, Workplace, fails, ok, text};
use serde_json::Value;

/// Between two looks at what a run in the background is at.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Whoever looked so often in vain has seen enough.
const MOST_LOOKS: u32 = 5_000;

const JOB: [&str; 4] = ["--meta-table", "files", "--job", "lines"];

impl Workplace {
    fn acquire(&self, options: &[&str]) -> Value {
        let output = self.run(&[&["acquire"], &JOB[..], options].concat());
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{}",
            text(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Acquires again and again until there is a batch: as long as a lease lasts.
    fn acquire_in_time(&self, options: &[&str]) -> Value {
        loop {
            let acquired = self.acquire(options);
            if acquired.get("batch").is_some() {
                return acquired;
            }
            sleep(LOOK_AGAIN);
        }
    }

    /// Waits until the lease of the only attempt was prolonged so often.
    fn sees_signs_of_life(&self, count: usize) {
        let lease = || self.query("SELECT CAST(lease_expires AS text) FROM inventory");
        let mut latest = lease();
        let mut seen = 0;
        for _ in 0..MOST_LOOKS {
            sleep(LOOK_AGAIN);
            let now = lease();
            if now != latest {
                latest = now;
                seen += 1;
            }
            if seen == count {
                return;
            }
        }
        panic!("only {seen} signs of life");
    }

    /// Waits until a command has made this file.
    fn sees(&self, name: &str, run: &mut Child) {
        while !self.path(name).exists() {
            assert!(run.try_wait().unwrap().is_none());
            sleep(LOOK_AGAIN);
        }
    }

    /// The inventory ids of the attempts in a queue.
    fn queue(&self, name: &str) -> Vec<i64> {
        let attempts = self.json(&[&["history", "--queue", name], &JOB[..]].concat());
        let attempts = attempts.as_array().unwrap();
        (attempts.iter())
            .map(|attempt| attempt["id"].as_i64().unwrap())
            .collect()
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
fn what_failed_is_tried_again_until_it_is_exhausted_and_requeued() {
    let workplace = Workplace::prepared();
    let script = "grep -q b.txt && { echo broken >&2; exit 1; }; exit 0";
    let output = workplace.run_script(&["--max-count", "1", "--until-done"], script);
    fails(
        &output,
        4,
        &[
            "broken",
            "2 batches succeeded, 3 attempts failed",
            "history --queue exhausted",
        ],
    );
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
    let plan = workplace.run(&[&["plan"], &JOB[..]].concat());
    let told = text(&plan.stderr);
    assert!(told.contains("wait to be handed out again"), "{told}");
    ok(&workplace.run_script(&["--until-done"], COUNT_LINES));
    assert_eq!(workplace.numbers(), [3, 3, 0, 0]);
    // Whatever became of a range, it can be requeued.
    assert_eq!(workplace.requeue(&["--ids", "1..2", "--ids", "99"]), 2);
    let id = workplace.json(&["history"])[1]["id"].to_string();
    assert_eq!(workplace.requeue(&["--batch", &id]), 1);
    let bad = workplace.run(&[&["requeue"], &JOB[..]].concat());
    fails(&bad, 2, &["--exhausted"]);
    let bad = workplace.run(&[&["requeue"], &JOB[..], &["--ids", "x"]].concat());
    fails(&bad, 2, &["\"x\" is no id"]);
}

#[test]
fn ranges_of_negative_ids_are_requeued() {
    let workplace = Workplace::prepared();
    workplace.execute("INSERT INTO files (uid, item) VALUES (-7, 'x'), (-6, 'y'), (0, 'z')");
    ok(&workplace.run_script(&["--max-count", "1", "--until-done"], "cat > /dev/null"));
    assert_eq!(workplace.numbers(), [6, 0, 0, 0]);
    assert_eq!(workplace.requeue(&["--ids=-7..-6"]), 2);
    assert_eq!(workplace.requeue(&["--ids", "-6"]), 1);
    assert_eq!(workplace.requeue(&["--ids", "-5..0,2,90..99"]), 2);
    assert_eq!(workplace.job()["waiting"], 4);
    let swapped = workplace.run(&[&["requeue"], &JOB[..], &["--ids", "3..1"]].concat());
    fails(&swapped, 2, &["swap its ends"]);
    let output = workplace.run(&[&["requeue"], &JOB[..], &["--ids", "1..3"]].concat());
    ok(&output);
    assert_eq!(text(&output.stderr), "3 ranges were requeued\n");
}

#[test]
fn each_attempt_stands_in_its_queue() {
    let workplace = Workplace::prepared();
    let claimed = workplace.json(
        &[
            &["acquire"],
            &JOB[..],
            &["--max-count", "1", "--batches", "2"],
        ]
        .concat(),
    );
    let ids: Vec<i64> = (claimed["batches"].as_array().unwrap().iter())
        .map(|batch| batch["id"].as_i64().unwrap())
        .collect();
    assert_eq!(workplace.queue("running"), [ids[1], ids[0]]);
    let first = claimed["batches"][0]["claim_token"].as_str().unwrap();
    ok(&workplace.run(&["fail", first]));
    assert_eq!(workplace.requeue(&["--batch", &ids[1].to_string()]), 1);
    assert_eq!(workplace.queue("retry"), [ids[0]]);
    assert_eq!(workplace.queue("requeued"), [ids[1]]);
    assert!(workplace.queue("exhausted").is_empty());
    let history = text(&workplace.run(&["history"]).stdout);
    assert!(history.contains("failed, to be retried"), "{history}");
    assert!(history.contains("requeued"), "{history}");
    let status = text(&workplace.run(&["status"]).stdout);
    assert!(
        status.contains("WAITING") && status.contains("EXHAUSTED"),
        "{status}"
    );
}

#[test]
fn a_range_that_rests_is_not_waited_for() {
    let workplace = Workplace::prepared();
    let options = ["--until-done", "--retry-delay", "1h"];
    let output = workplace.run_script(&options, "exit 1");
    let told = [
        "0 batches succeeded, 1 attempt failed",
        "wait to be handed out again",
    ];
    fails(&output, 4, &told);
    let output = workplace.run_script(&options, "exit 1");
    ok(&output);
    assert!(text(&output.stderr).contains("wait to be handed out again"));
    assert_eq!(workplace.numbers(), [0, 1, 0, 0]);
    // Somebody who does not want to wait.
    assert_eq!(workplace.acquire(&[])["batch"]["attempt"], 2);
}

#[test]
fn a_run_takes_no_more_batches_than_it_may_even_if_they_fail() {
    let workplace = Workplace::prepared();
    let options = ["--batches", "2", "--max-count", "1"];
    let output = workplace.run_script(&options, "exit 1");
    fails(&output, 4, &["2 attempts failed"]);
    assert_eq!(workplace.numbers(), [0, 2, 0, 2]);
    let output = workplace.run_script(&["--stop-on-failure", "--until-done"], "exit 1");
    fails(&output, 4, &["1 attempt failed", "as often as is allowed"]);
    // What failed for good does not keep the others back.
    ok(&workplace.run_script(&["--until-done"], COUNT_LINES));
    assert_eq!(workplace.numbers(), [1, 3, 0, 0]);
}

#[test]
fn a_lease_that_runs_out_is_taken_over() {
    let workplace = Workplace::prepared();
    let lease = ["--lease", "1s"];
    let first = workplace.acquire(&lease);
    let second = workplace.acquire_in_time(&lease);
    assert_eq!(second["batch"]["attempt"], 2);
    assert_eq!(second["batch"]["id_start"], first["batch"]["id_start"]);
    assert_ne!(token(&second), token(&first));
    fails(
        &workplace.run(&["complete", token(&first)]),
        5,
        &["taken from its owner"],
    );
    // The second one is late as well, but nobody has taken it yet.
    ok(&workplace.run(&["complete", token(&second)]));
    assert_eq!(workplace.numbers(), [1, 1, 0, 0]);
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
    let script =
        "cat > /dev/null; touch started; while [ -e started ] && [ ! -e go ]; do sleep 0.05; done";
    let mut child = workplace.start_script(&["--lease", "2s"], script);
    workplace.sees("started", &mut child);
    workplace.sees_signs_of_life(3);
    fs::write(workplace.path("go"), "").unwrap();
    ok(&child.wait_with_output().unwrap());
    assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
}

#[test]
fn errors_that_nobody_reads_do_not_hold_the_signs_of_life_up() {
    let workplace = Workplace::prepared();
    // More than a pipe holds, while nobody reads it.
    let script = "cat > /dev/null; touch started; head -c 1000000 /dev/zero >&2; touch finished";
    let mut child = (workplace.command(&[]))
        .args(["run", "--lease", "1s"])
        .args(JOB)
        .args(["--", "sh", "-c", script])
        // As where there is one processor.
        .env("TOKIO_WORKER_THREADS", "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    workplace.sees("started", &mut child);
    workplace.sees_signs_of_life(6);
    assert!(!workplace.path("finished").exists());
    ok(&child.wait_with_output().unwrap());
    assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
}

#[test]
fn what_a_killed_run_had_is_handed_out_again() {
    let workplace = Workplace::prepared();
    // Where the system does not tie the command to the run, it ends when its folder is gone.
    let script = "cat > /dev/null; touch started; while [ -e started ]; do sleep 0.05; done";
    let mut child = workplace.start_script(&["--lease", "1s"], script);
    workplace.sees("started", &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(workplace.numbers(), [0, 0, 1, 0]);
    assert_eq!(workplace.acquire_in_time(&[])["batch"]["attempt"], 2);
    assert_eq!(workplace.json(&["history"])[1]["log"], "the lease ran out");
}

#[test]
fn a_command_knows_its_attempt_and_its_lease() {
    let workplace = Workplace::prepared();
    let script =
        r#"cat > /dev/null; echo "\"$BATCHINTORY_ATTEMPT ${BATCHINTORY_LEASE_SECONDS:-none}\"""#;
    let results = || workplace.json(&["history"])[0]["result_item"].clone();
    ok(&workplace.run_script(&[], script));
    assert_eq!(results(), "1 300");
    workplace.requeue(&["--ids", "1"]);
    ok(&workplace.run_script(&["--lease", "1h 30m"], script));
    assert_eq!(results(), "2 5400");
    workplace.requeue(&["--ids", "1"]);
    ok(&workplace.run_script(&["--no-lease"], script));
    assert_eq!(results(), "3 none");
    for (lease, why) in [
        ("soon", "--lease"),
        ("1500ms", "whole seconds"),
        ("0", "lease-seconds"),
    ] {
        fails(
            &workplace.run_script(&["--lease", lease], script),
            2,
            &[why],
        );
    }
    let both = ["--lease", "5m", "--no-lease"];
    fails(
        &workplace.run_script(&both, script),
        2,
        &["cannot be used with"],
    );
}

#[test]
fn a_command_whose_batch_was_taken_away_is_killed() {
    let workplace = Workplace::prepared();
    let mut child = workplace.start_script(
        &["--lease", "1s", "--max-attempts", "1"],
        "touch started; sleep 600; touch finished",
    );
    workplace.sees("started", &mut child);
    assert_eq!(workplace.requeue(&["--ids", "1..3"]), 1);
    let output = child.wait_with_output().unwrap();
    fails(&output, 4, &["taken from its owner", "1 attempt failed"]);
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
fn many_batches_are_claimed_at_once() {
    let workplace = Workplace::prepared();
    let many = ["--max-count", "1", "--batches", "2"];
    let claimed = workplace.acquire(&[&many[..], &["--items"]].concat());
    let batches = claimed["batches"].as_array().unwrap();
    assert_eq!(batches.len(), 2);
    for (batch, uid) in batches.iter().zip([1, 2]) {
        assert_eq!(
            (&batch["id_start"], &batch["count"]),
            (&uid.into(), &1.into())
        );
        assert_eq!(batch["items"][0]["uid"], uid);
    }
    ok(&workplace.run(&["fail", batches[1]["claim_token"].as_str().unwrap()]));
    // What is handed out again comes alone.
    let again = workplace.acquire(&many);
    assert_eq!(again["batches"].as_array().unwrap().len(), 1);
    assert_eq!(again["batches"][0]["attempt"], 2);
    let last = workplace.acquire(&many);
    assert_eq!(last["batches"][0]["id_start"], 3);
    assert!(last["batches"][0].get("items").is_none());
    let none = workplace.run(&[&["acquire"], &JOB[..], &many].concat());
    assert_eq!(none.status.code(), Some(3));
    assert_eq!(text(&none.stdout), "{\n  \"batches\": []\n}\n");
}

#[test]
fn batches_that_nobody_takes_are_given_up() {
    let workplace = Workplace::prepared();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let many = [
        &["acquire"],
        &JOB[..],
        &["--max-count", "1", "--batches", "3"],
    ]
    .concat();
    let status = workplace.command(&many).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(workplace.numbers(), [0, 3, 0, 0]);
}

#[test]
fn rows_that_are_not_ready_hold_planning_back() {
    let workplace = Workplace::prepared();
    let hold = r#"{"column": "item", "op": "like", "value": "%b.txt"}"#;
    assert_eq!(workplace.acquire(&["--hold", hold])["batch"]["count"], 1);
    let nothing = workplace.acquire(&["--hold", hold]);
    assert_eq!(nothing["nothing"]["held"], 2);
    let plan = [&["plan"], &JOB[..], &["--hold", hold]].concat();
    assert!(text(&workplace.run(&plan).stderr).contains("the id 2 is held"));
    fs::write(workplace.path("hold.json"), hold).unwrap();
    let options = ["--hold", "@hold.json", "--until-done"];
    let output = workplace.run_script(&options, COUNT_LINES);
    ok(&output);
    assert!(text(&output.stderr).contains("the id 2 is held"));
    let options = ["--hold", "@hold.json", "--json"];
    let output = workplace.run_script(&options, COUNT_LINES);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["nothing"]["reason"], &summary["nothing"]["held"]),
        (&"held".into(), &2.into())
    );
    // A plan that ends before it says so too.
    let plan = [
        "plan",
        "--meta-table",
        "files",
        "--job",
        "another",
        "--hold",
        hold,
    ];
    assert_eq!(workplace.json(&plan)["held"], 2);
    for bounds in [&[][..], &["--id-max", "3"]] {
        let output = workplace.run(&[&plan[..], bounds].concat());
        assert!(text(&output.stdout).contains("the id 2 is held"));
    }
}

#[test]
fn another_configuration_must_be_accepted() {
    let workplace = Workplace::prepared();
    workplace.acquire(&["--max-count", "1"]);
    let changed = [&["acquire"], &JOB[..], &["--no-weight"]].concat();
    let output = workplace.run(&changed);
    fails(&output, 2, &["the weight column was", "--on-change accept"]);
    let refused = workplace.run(&[&changed[..], &["--on-change", "refuse", "--json"]].concat());
    let error: Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!(error["error"], "configuration-changed");
    ok(&workplace.run(&[&changed[..], &["--on-change", "accept"]].concat()));
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
