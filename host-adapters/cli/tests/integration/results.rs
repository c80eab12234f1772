//! What a command says when it has done its work.

use std::fs;

use crate::workplace::{COUNT_LINES, Workplace, fails, ok, text};
use serde_json::Value;

#[test]
fn output_that_is_no_json_is_passed_on() {
    let workplace = Workplace::prepared();
    let output = workplace.run_script(&[], "wc -l | sed 's/$/ items/'");
    ok(&output);
    assert_eq!(text(&output.stdout).trim(), "3 items");
    assert_eq!(workplace.json(&["history"])[0]["result_item"], Value::Null);
}

#[test]
fn results_are_kept_to_the_letter() {
    let workplace = Workplace::prepared();
    for result in [
        "1e400",
        "[123456789012345678901234567890]",
        "3.14159265358979323846264338328",
        r#"{"a":"\ud800"}"#,
    ] {
        ok(&workplace.run_script(
            &["--max-count", "1"],
            &format!("cat > /dev/null; echo '{result}'"),
        ));
        ok(&workplace.run(&["register", "data"]));
        let history = workplace.run(&["history", "--json", "--limit", "1"]);
        ok(&history);
        let shown = text(&history.stdout);
        assert!(
            shown.contains(&format!("\"result_item\": {result},")),
            "{shown}"
        );
        fs::write(workplace.path("data/a.txt"), result).unwrap();
        ok(&workplace.run(&["register", "data"]));
    }
}

#[test]
fn a_result_that_the_inventory_refuses_is_not_dropped_to_call_its_batch_succeeded() {
    let workplace = Workplace::prepared();
    workplace.execute(
        "CREATE TRIGGER choosy BEFORE UPDATE ON inventory WHEN new.job_result_item IS NOT NULL \
         BEGIN SELECT RAISE(ABORT, 'no results please'); END",
    );
    // Signs of life get through meanwhile.
    let output = workplace.run_script(&["--lease", "2s"], COUNT_LINES);
    fails(
        &output,
        1,
        &["cannot be ended yet", "error: ", "no results please"],
    );
    assert_eq!(workplace.numbers(), [0, 0, 1, 0]);
}

#[test]
fn output_that_is_no_result_is_passed_on_whole_however_long_it_is() {
    let workplace = Workplace::prepared();
    let output = workplace.run_script(
        &[],
        "cat > /dev/null; head -c 2000000 /dev/zero | tr '\\0' x",
    );
    ok(&output);
    assert_eq!(output.stdout.len(), 2_000_000);
    assert!(output.stdout.iter().all(|byte| *byte == b'x'));
    assert_eq!(workplace.json(&["history"])[0]["result_item"], Value::Null);
}

#[test]
fn a_result_that_is_too_long_fails_its_batch_instead_of_being_lost() {
    let workplace = Workplace::prepared();
    let output = workplace.run_script(
        &[],
        "cat > /dev/null; printf '\"'; head -c 2000000 /dev/zero | tr '\\0' x; printf '\"'",
    );
    fails(&output, 4, &["1 attempt failed", "more than 1 MiB"]);
    assert_eq!(output.stdout.len(), 2_000_002);
    let history = workplace.json(&["history"]);
    assert_eq!(history[0]["status"], "failed");
    assert!(
        history[0]["log"]
            .as_str()
            .unwrap()
            .contains("more than 1 MiB")
    );
}

#[test]
fn a_log_is_not_cut_within_a_character() {
    let workplace = Workplace::prepared();
    // 3 bytes each, of which 64 KiB are no multiple.
    let script = "cat > /dev/null; i=0; while [ $i -lt 30000 ]; do printf '€'; i=$((i + 1)); done >&2; exit 1";
    fails(&workplace.run_script(&[], script), 4, &["1 attempt failed"]);
    let history = workplace.json(&["history"]);
    let log = history[0]["log"].as_str().unwrap();
    assert!(log.chars().all(|character| character == '€'));
    assert_eq!(log.len(), 65_535);
}
