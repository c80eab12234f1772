//! What `run` and the command that it starts owe each other.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use crate::workplace::{Workplace, fails, ok, text};

#[test]
fn the_command_knows_its_batch() {
    let workplace = Workplace::prepared();
    let script = r#"cat > /dev/null; printf '{"id": %s, "start": %s, "end": %s, "count": %s, "weight": %s,
        "attempt": %s, "job": "%s", "table": "%s", "token": "%s"}' "$BATCHINTORY_BATCH_ID" "$BATCHINTORY_ID_START" \
        "$BATCHINTORY_ID_END" "$BATCHINTORY_COUNT" "$BATCHINTORY_WEIGHT" "$BATCHINTORY_ATTEMPT" \
        "$BATCHINTORY_JOB" "$BATCHINTORY_META_TABLE" "$BATCHINTORY_CLAIM_TOKEN""#;
    ok(&workplace.run_script(&[], script));
    let history = workplace.json(&["history"]);
    let result = &history[0]["result_item"];
    assert_eq!(result["id"], history[0]["id"]);
    assert_eq!(
        (&result["start"], &result["end"], &result["count"]),
        (&1.into(), &3.into(), &3.into())
    );
    assert_eq!(
        (&result["weight"], &result["attempt"]),
        (&75.into(), &1.into())
    );
    assert_eq!(
        (&result["job"], &result["table"]),
        (&"lines".into(), &"files".into())
    );
    assert_eq!(result["token"].as_str().unwrap().len(), 32);
}

#[test]
fn a_failing_command_is_recorded_with_its_log() {
    let workplace = Workplace::prepared();
    let script = "cat > /dev/null; echo first >&2; echo broken >&2; exit 7";
    let options = ["--max-count", "1", "--until-done", "--max-attempts", "1"];
    let output = workplace.run_script(&options, script);
    fails(
        &output,
        4,
        &["broken", "0 batches succeeded, 3 attempts failed"],
    );
    assert_eq!(workplace.numbers(), [0, 3, 0, 0]);
    let history = workplace.json(&["history"]);
    assert_eq!(history[0]["log"], "first\nbroken");

    let workplace = Workplace::prepared();
    let options = ["--max-count", "1", "--until-done", "--stop-on-failure"];
    fails(
        &workplace.run_script(&options, "exit 7"),
        4,
        &["1 attempt failed"],
    );
    assert_eq!(workplace.numbers(), [0, 1, 0, 2]);
    assert_eq!(
        workplace.json(&["history"])[0]["log"],
        "the command ended with exit status: 7"
    );
}

#[test]
fn a_command_that_does_not_exist_claims_nothing() {
    let workplace = Workplace::prepared();
    let output = workplace.run(&[
        "run",
        "--meta-table",
        "files",
        "--job",
        "lines",
        "--",
        "no-such-command",
    ]);
    fails(&output, 1, &["no-such-command cannot be started", "hint: "]);
    assert_eq!(workplace.json(&["status"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_command_need_not_read_its_items() {
    let workplace = Workplace::prepared();
    // More items than a pipe holds.
    for number in 0..3_000 {
        fs::write(workplace.path(&format!("data/{number:0>100}")), "").unwrap();
    }
    ok(&workplace.run(&["register", "data"]));
    ok(&workplace.run_script(&["--until-done"], "exec <&-; exit 0"));
    assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
    assert_eq!(workplace.json(&["history"])[0]["count"], 3_003);
}

#[test]
fn a_command_never_takes_some_of_its_items_for_all() {
    let workplace = Workplace::prepared();
    // The item that cannot be handed over comes when the command has read many others.
    workplace.list_many_and_one_of_two_lines();
    let output = workplace.run_script(&[], "cat > /dev/null; touch finished");
    fails(&output, 4, &["the item with id 6003 holds a line break"]);
    assert!(!workplace.path("finished").exists());
    assert_eq!(workplace.numbers()[..3], [0, 1, 0]);
}

#[test]
fn nobody_reads_the_errors_and_no_batch_stays_running() {
    let workplace = Workplace::prepared();
    workplace.execute("INSERT INTO files (item) VALUES ('two' || char(10) || 'lines')");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = workplace.script(&[], "cat").stderr(writer).status();
    let status = status.unwrap();
    assert_eq!(status.code(), Some(4));
    assert_eq!(workplace.numbers(), [0, 1, 0, 0]);
}

#[test]
fn a_batch_that_nobody_takes_is_given_up() {
    let workplace = Workplace::prepared();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut acquire = workplace.command(&["acquire", "--meta-table", "files", "--job", "lines"]);
    assert_eq!(acquire.stdout(writer).status().unwrap().code(), Some(1));
    assert_eq!(workplace.numbers(), [0, 1, 0, 0]);
}

#[test]
fn many_commands_run_at_once() {
    let workplace = Workplace::prepared();
    // Each waits for the other: this ends only when both run at the same time.
    let script = "cat > /dev/null; touch started.$BATCHINTORY_ID_START; \
        while [ $(ls started.* | wc -l) -lt 3 ]; do sleep 0.01; done";
    let options = ["--max-count", "1", "--until-done", "--parallel", "3"];
    ok(&workplace.run_script(&options, script));
    assert_eq!(workplace.numbers(), [3, 0, 0, 0]);
}

#[cfg(unix)]
mod signals {
    use std::io::Read;
    use std::process::ChildStderr;
    use std::time::Duration;

    use super::*;

    fn signal(child: &Child, name: &str) {
        let status = Command::new("kill")
            .args([name, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits until the command has made this file.
    fn wait_for(path: &Path) {
        while !path.exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the run has taken a signal, which it tells, and gives back what it has told so far, and
    /// where more comes.
    fn wait_for_stop(child: &mut Child) -> (Vec<u8>, ChildStderr) {
        let mut errors = child.stderr.take().unwrap();
        let mut told = Vec::new();
        while !text(&told).contains("stopping") {
            let mut byte = [0];
            errors.read_exact(&mut byte).unwrap();
            told.extend(byte);
        }
        (told, errors)
    }

    /// A run of a script that makes the file `started`, which has got this signal then.
    fn signalled(workplace: &Workplace, script: &str, name: &str) -> Child {
        let child = workplace.start_script(&["--max-count", "1", "--until-done"], script);
        wait_for(&workplace.path("started"));
        signal(&child, name);
        child
    }

    #[test]
    fn ctrl_c_lets_the_running_command_end() {
        let workplace = Workplace::prepared();
        let script = "cat > /dev/null; touch started; while [ -e started ] && [ ! -e go ]; do sleep 0.05; done; echo 1";
        let mut child = signalled(&workplace, script, "-INT");
        let (mut told, mut errors) = wait_for_stop(&mut child);
        // The command still runs: only this lets it end.
        fs::write(workplace.path("go"), "").unwrap();
        errors.read_to_end(&mut told).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(text(&told).contains("1 batch succeeded"), "{}", text(&told));
        assert_eq!(workplace.numbers(), [1, 0, 0, 2]);
    }

    #[test]
    fn a_second_ctrl_c_kills_the_command_and_records_it() {
        let workplace = Workplace::prepared();
        let script = "cat > /dev/null; touch started; sleep 1000";
        let mut child = signalled(&workplace, script, "-TERM");
        // Somebody must go on reading what it tells.
        let (_, _errors) = wait_for_stop(&mut child);
        signal(&child, "-INT");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(workplace.numbers(), [0, 1, 0, 2]);
        assert_eq!(
            workplace.json(&["history"])[0]["log"],
            "the run was broken off"
        );
        // It does not count.
        assert_eq!(workplace.json(&["history"])[0]["queue"], "requeued");
    }
}
