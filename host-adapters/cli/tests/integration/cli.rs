//! The program as a user runs it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};

use crate::workplace::{COUNT_LINES, Workplace, fails, ok, text};
use serde_json::Value;

/// The way through: list, process, find nothing new, add a file, process that alone.
fn main_flow(workplace: &Workplace) {
    workplace.prepare();
    let planned = workplace.json(&[
        "plan",
        "--meta-table",
        "files",
        "--job",
        "lines",
        "--max-count",
        "2",
    ]);
    assert_eq!(planned["batches"].as_array().unwrap().len(), 2);

    let output = workplace.run_script(&["--max-count", "2", "--until-done"], COUNT_LINES);
    ok(&output);
    assert!(text(&output.stderr).contains("2 batches succeeded: 3 items"));
    assert_eq!(workplace.numbers(), [2, 0, 0, 0]);
    let history = workplace.json(&["history", "--meta-table", "files", "--uid", "2"]);
    assert_eq!(history[0]["result_item"], 8);
    assert_eq!(history[0]["status"], "succeeded");
    assert_eq!(history.as_array().unwrap().len(), 1);

    let output = workplace.run_script(&["--until-done"], COUNT_LINES);
    ok(&output);
    assert!(
        text(&output.stderr).contains("nothing new"),
        "{}",
        text(&output.stderr)
    );

    fs::write(workplace.path("data/new.txt"), "line\n").unwrap();
    ok(&workplace.run(&["register", "data"]));
    let output = workplace.run_script(&["--until-done"], COUNT_LINES);
    assert!(
        text(&output.stderr).contains("1 batch succeeded: 1 item"),
        "{}",
        text(&output.stderr)
    );
    let history = workplace.json(&["history", "--job", "lines"]);
    assert_eq!(history[0]["result_item"], 1);

    for arguments in [&["status"][..], &["history"], &["status", "--bytes"]] {
        let output = workplace.run(arguments);
        ok(&output);
        assert!(text(&output.stdout).contains("lines"));
    }
}

#[test]
fn the_main_flow_on_sqlite() {
    main_flow(&Workplace::new());
}

#[test]
fn the_main_flow_on_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    main_flow_on_server(&runtime.block_on(batchintory_tests::postgres()).unwrap());
}

#[test]
fn the_main_flow_on_mysql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    main_flow_on_server(&runtime.block_on(batchintory_tests::mysql()).unwrap());
}

fn main_flow_on_server(database: &batchintory_tests::TestDatabase) {
    let mut workplace = Workplace::new();
    workplace.url = Some(database.url.clone());
    main_flow(&workplace);
    // Registering again finds that no file has changed, to the microsecond.
    let output = workplace.run(&["register", "data"]);
    assert!(
        text(&output.stderr).starts_with("0 of 4 files"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_changed_file_is_listed_again_and_others_are_not() {
    let workplace = Workplace::prepared();
    let output = workplace.run(&["register", "data"]);
    assert!(
        text(&output.stderr).starts_with("0 of 3 files"),
        "{}",
        text(&output.stderr)
    );
    fs::write(
        workplace.path("data/a.txt"),
        "longer than before, and later\n",
    )
    .unwrap();
    let output = workplace.run(&["register", "data/*.txt", "--dry-run"]);
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(text(&output.stdout).contains("a.txt"));
    let output = workplace.run(&["register", "data/a.txt"]);
    assert!(
        text(&output.stderr).starts_with("1 of 1 files"),
        "{}",
        text(&output.stderr)
    );
    fails(
        &workplace.run(&["register", "nowhere"]),
        2,
        &["there is no file or folder"],
    );
}

#[test]
fn scripts_claim_complete_and_fail() {
    let workplace = Workplace::prepared();
    let acquire = [
        "acquire",
        "--meta-table",
        "files",
        "--job",
        "by hand",
        "--max-count",
        "2",
        "--max-attempts",
        "1",
        "--items",
    ];
    let claimed = workplace.json(&acquire);
    assert_eq!(claimed["batch"]["count"], 2);
    assert_eq!(claimed["items"].as_array().unwrap().len(), 2);
    let token = claimed["batch"]["claim_token"].as_str().unwrap();
    let items = workplace.run(&["items", token]);
    assert!(
        text(&items.stdout)
            .lines()
            .next()
            .unwrap()
            .ends_with("data/a.txt")
    );
    ok(&workplace.run(&["complete", token, "--result", "{\"rows\": 8}"]));
    ok(&workplace.run(&["complete", token]));
    fails(
        &workplace.run(&["fail", token]),
        5,
        &["has ended as \"succeeded\" already"],
    );

    let second = workplace.json(&acquire);
    let token = second["batch"]["claim_token"].as_str().unwrap();
    fs::write(workplace.path("log"), "disk full").unwrap();
    ok(&workplace.run(&["fail", token, "--log", "@log"]));
    let history = workplace.json(&["history"]);
    assert_eq!(history[0]["log"], "disk full");
    assert_eq!(history[1]["result_item"]["rows"], 8);

    let nothing = workplace.run(&acquire);
    assert_eq!(nothing.status.code(), Some(3));
    assert!(text(&nothing.stdout).contains("caught-up"));
    fails(&workplace.run(&["complete", "nobody's"]), 1, &["no batch"]);
    fails(
        &workplace.run(&["complete", token, "--result", "{"]),
        2,
        &["not a JSON document"],
    );
}

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
fn output_that_is_no_json_is_passed_on() {
    let workplace = Workplace::prepared();
    let output = workplace.run_script(&[], "wc -l | sed 's/$/ items/'");
    ok(&output);
    assert_eq!(text(&output.stdout).trim(), "3 items");
    assert_eq!(workplace.json(&["history"])[0]["result_item"], Value::Null);
}

#[test]
fn items_may_be_separated_by_nul() {
    let workplace = Workplace::prepared();
    ok(&workplace.run_script(&["--null"], "xargs -0 cat | wc -l"));
    assert_eq!(workplace.json(&["history"])[0]["result_item"], 15);
}

#[test]
fn items_as_json_may_be_anything() {
    let workplace = Workplace::prepared();
    workplace.execute("DROP TABLE files");
    workplace.execute("CREATE TABLE files (uid integer PRIMARY KEY, item text, weight double)");
    workplace.execute(
        "INSERT INTO files VALUES (1, 'two' || char(10) || 'lines', 1.5), (2, NULL, NULL)",
    );
    let lines = "{\"uid\":1,\"item\":\"two\\nlines\",\"weight\":1.5}\n{\"uid\":2,\"item\":null,\"weight\":0.0}\n";
    ok(&workplace.run_script(&["--format", "json"], "cat > items.jsonl"));
    let handed_over = fs::read_to_string(workplace.path("items.jsonl")).unwrap();
    assert_eq!(handed_over, lines);
    let acquired = workplace.json(&["acquire", "--meta-table", "files", "--job", "other"]);
    let token = acquired["batch"]["claim_token"].as_str().unwrap();
    let output = workplace.run(&["items", token, "--format", "json"]);
    ok(&output);
    assert_eq!(text(&output.stdout), lines);
    let output = workplace.run(&["items", token, "--format", "json", "--null"]);
    fails(&output, 2, &["cannot be used with"]);
}

#[test]
fn an_item_that_cannot_be_handed_over_fails_its_batch() {
    let workplace = Workplace::prepared();
    // A table of one's own may hold what `register` leaves out.
    workplace.execute("INSERT INTO files (item) VALUES ('two' || char(10) || 'lines')");
    let output = workplace.run_script(&["--id-min", "4"], "touch started; cat > /dev/null");
    fails(
        &output,
        4,
        &["the item with id 4 holds a line break", "--format null"],
    );
    assert_eq!(workplace.numbers()[..3], [0, 1, 0]);
    assert!(!workplace.path("started").exists());
}

#[test]
fn an_item_is_never_printed_as_two_or_none() {
    let workplace = Workplace::prepared();
    // On the second page.
    workplace.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) \
         INSERT INTO files (item) SELECT CASE i WHEN 6000 THEN 'two' || char(10) || 'lines' ELSE 'x' END FROM n",
    );
    let job = ["acquire", "--meta-table", "files", "--job", "lines"];
    let acquired = workplace.json(&job);
    let token = acquired["batch"]["claim_token"].as_str().unwrap();
    let output = workplace.run(&["items", token]);
    fails(
        &output,
        1,
        &["the item with id 6003 holds a line break", "--format null"],
    );
    assert_eq!(text(&output.stdout), "");
    for null in ["--null", "-0"] {
        let output = workplace.run(&["items", token, null]);
        ok(&output);
        assert_eq!(text(&output.stdout).matches('\0').count(), 6_003);
        assert!(text(&output.stdout).ends_with("x\0two\nlines\0"));
    }
    assert_eq!(
        workplace.json(&["items", token])[6_002]["item"],
        "two\nlines"
    );
    for (item, code, what) in [
        ("NULL", 1, "the item with id 1 is NULL"),
        (
            "'a' || char(0)",
            2,
            "the item of uid 1 in the meta table \"files\" is no text: it holds a NUL character",
        ),
    ] {
        workplace.execute("DROP TABLE files");
        workplace.execute("CREATE TABLE files (uid integer PRIMARY KEY, item text, weight double)");
        workplace.execute(&format!("INSERT INTO files VALUES (1, {item}, 1)"));
        let output = workplace.run(&["items", token, "-0"]);
        fails(&output, code, &[what]);
    }
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
fn a_command_never_takes_some_of_its_items_for_all() {
    let workplace = Workplace::prepared();
    // The item that cannot be handed over comes when the command has read many others.
    workplace.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) \
         INSERT INTO files (item) SELECT CASE i WHEN 6000 THEN 'two' || char(10) || 'lines' ELSE 'x' END FROM n",
    );
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
    let job = [
        "run",
        "--meta-table",
        "files",
        "--job",
        "lines",
        "--",
        "cat",
    ];
    let status = workplace.command(&job).stderr(writer).status().unwrap();
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

    #[test]
    fn ctrl_c_lets_the_running_command_end() {
        let workplace = Workplace::prepared();
        let script = "cat > /dev/null; touch started; while [ -e started ] && [ ! -e go ]; do sleep 0.05; done; echo 1";
        let mut child = workplace.start_script(&["--max-count", "1", "--until-done"], script);
        wait_for(&workplace.path("started"));
        signal(&child, "-INT");
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
        let mut child = workplace.start_script(&["--max-count", "1", "--until-done"], script);
        wait_for(&workplace.path("started"));
        signal(&child, "-TERM");
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

#[test]
fn settings_come_from_the_flag_then_the_environment_then_the_file() {
    let workplace = Workplace::new();
    fs::write(
        workplace.path("settings.env"),
        "BATCHINTORY_INVENTORY_CONN=sqlite:file.sqlite\nBATCHINTORY_INVENTORY_TABLE_NAME=from_file\n",
    )
    .unwrap();
    let migrate = |flags: &[&str], environment: Option<&str>| {
        let mut command =
            workplace.command(&[&["migrate", "--env-file", "settings.env"], flags].concat());
        if let Some(url) = environment {
            command.env("BATCHINTORY_INVENTORY_CONN", url);
        }
        ok(&command.output().unwrap());
    };
    migrate(&[], None);
    assert!(workplace.path("file.sqlite").exists());
    migrate(&[], Some("sqlite:environment.sqlite"));
    assert!(workplace.path("environment.sqlite").exists());
    migrate(
        &["--inventory", "sqlite:flag.sqlite"],
        Some("sqlite:unused.sqlite"),
    );
    assert!(workplace.path("flag.sqlite").exists());
    assert!(!workplace.path("unused.sqlite").exists());
    assert!(!workplace.path("batchintory.sqlite").exists());
    // The table's name came from the file each time.
    let status = workplace.run(&["status", "--inventory", "sqlite:flag.sqlite"]);
    fails(&status, 1, &["\"inventory\" does not exist"]);
    let table = ["--inventory-table", "from_file"];
    ok(&workplace.run(&[&["status", "--inventory", "sqlite:flag.sqlite"], &table[..]].concat()));

    let mut by_variable = workplace.command(&["status"]);
    ok(&by_variable
        .env("BATCHINTORY_ENV_FILE", "settings.env")
        .output()
        .unwrap());
    fails(
        &workplace.run(&["status", "--env-file", "missing.env"]),
        2,
        &["missing.env"],
    );
}

#[test]
fn inventory_and_meta_tables_may_be_apart() {
    let workplace = Workplace::new();
    let apart = [
        "--meta",
        "sqlite:lake.sqlite",
        "--inventory",
        "sqlite:jobs.sqlite",
    ];
    ok(&workplace.run(&[&["register", "data"], &apart[..]].concat()));
    ok(&workplace.run(&[&["migrate"], &apart[..]].concat()));
    let run = [
        &["run", "--meta-table", "files", "--job", "lines"],
        &apart[..],
        &["--", "cat"],
    ]
    .concat();
    ok(&workplace.run(&run));
    let status = workplace.json(&[&["status"], &apart[..]].concat());
    assert_eq!(status[0]["items"], 3);
    // What remains is not known without the meta tables, and the rest is.
    fs::remove_file(workplace.path("lake.sqlite")).unwrap();
    let status = workplace.run(&["status", "--inventory", "sqlite:jobs.sqlite"]);
    ok(&status);
    assert!(text(&status.stdout).contains("lines"));
    assert!(text(&status.stderr).contains("warning: what remains"));

    // What was claimed can be ended and looked up while the meta tables' database is down.
    let workplace = Workplace::prepared();
    let acquire = ["acquire", "--meta-table", "files", "--job", "lines"];
    let claimed = workplace.json(&acquire);
    let token = claimed["batch"]["claim_token"].as_str().unwrap();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (scheme, reason) in [
        ("postgres", "cannot open the database"),
        // Before it is asked: there, a table that is kept without its database is none.
        ("mysql", "lacks its database"),
    ] {
        let meta = ["--meta", &format!("{scheme}://me:hunter2@{free}/lake")];
        ok(&workplace.run(&[&["complete", token], &meta[..]].concat()));
        ok(&workplace.run(&[&["history"], &meta[..]].concat()));
        let status = workplace.run(&[&["status"], &meta[..]].concat());
        ok(&status);
        assert!(text(&status.stdout).contains("lines"));
        let errors = text(&status.stderr);
        assert!(errors.contains(reason), "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
        let acquire = workplace.run(&[&acquire[..], &meta[..]].concat());
        fails(&acquire, 1, &["cannot open the database"]);
    }
}

#[test]
fn files_of_the_program_itself_and_symbolic_links_are_left_out() {
    let workplace = Workplace::new();
    let output = workplace.run(&["register", ".", "--dry-run"]);
    assert!(text(&output.stderr).starts_with("3 of 3 files"));
    assert!(!workplace.path("batchintory.sqlite").exists());
    ok(&workplace.run(&["register", "."]));
    #[cfg(unix)]
    std::os::unix::fs::symlink("a.txt", workplace.path("data/link.txt")).unwrap();
    for path in [".", "data/*.txt"] {
        let output = workplace.run(&["register", path]);
        let errors = text(&output.stderr);
        assert!(errors.starts_with("0 of 3 files"), "{errors}");
    }
}

#[test]
fn what_is_wrong_with_a_command_line_is_told_as_json_too() {
    let workplace = Workplace::new();
    let output = workplace.run(&["status", "--json", "--frobnicate"]);
    assert_eq!(output.status.code(), Some(2));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"], "usage");
    assert!(error["message"].as_str().unwrap().contains("--frobnicate"));
    // Behind -- stands somebody else's flag.
    let output = workplace.run(&["run", "--", "cat", "--json"]);
    fails(&output, 2, &["error: ", "--meta-table"]);
    assert!(serde_json::from_slice::<Value>(&output.stderr).is_err());
}

#[test]
fn a_password_is_never_told() {
    let workplace = Workplace::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://me:hunter2@{free}/lake");
    fs::write(
        workplace.path("settings.env"),
        format!("BATCHINTORY_META_CONN={url}\n= hunter2\n"),
    )
    .unwrap();
    for arguments in [
        &["status", "--inventory", &url][..],
        &["status", "--inventory", &url, "--json"],
        &["register", "data", "--meta", &url],
        &["status", "--help", "--inventory", &url],
        &["status", "--env-file", "settings.env"],
    ] {
        let mut command = workplace.command(arguments);
        let output = command
            .env("RUST_LOG", "trace")
            .env("BATCHINTORY_META_CONN", &url)
            .output()
            .unwrap();
        for shown in [text(&output.stdout), text(&output.stderr)] {
            assert!(!shown.contains("hunter2"), "{arguments:?}: {shown}");
        }
        if !arguments.contains(&"--help") {
            assert_ne!(output.status.code(), Some(0));
        }
    }
}

/// The cases of `tests/urls/passwords.json`, wherever a URL may stand on the command line.
#[test]
fn no_piece_of_a_password_is_told_whatever_the_url() {
    let workplace = Workplace::new();
    let table: Value =
        serde_json::from_str(include_str!("../../../../tests/urls/passwords.json")).unwrap();
    for case in table["cases"].as_array().unwrap() {
        let url = case["url"].as_str().unwrap();
        let pieces = case["pieces"].as_array().unwrap();
        if pieces.is_empty() {
            continue;
        }
        let equal = format!("--inventory={url}");
        for (is_url, arguments) in [
            (true, &["status", "--inventory", url][..]),
            (true, &["status", equal.as_str(), "--json"]),
            (true, &["register", "data", "--meta", url]),
            (false, &["register", url]),
            (false, &["status", url]),
            (false, &["status", "--env-file", url]),
            (false, &["history", "--limit", url, "--json"]),
            (false, &["plan", "--job", "j", "--meta-table", url]),
        ] {
            let mut command = workplace.command(arguments);
            let output = command.env("RUST_LOG", "trace").output().unwrap();
            let shown = text(&output.stdout) + &text(&output.stderr);
            assert_ne!(output.status.code(), Some(0), "{arguments:?}");
            for piece in pieces {
                let piece = piece.as_str().unwrap();
                // A word alone may be anything.
                let is_told = shown.contains(piece) && (is_url || may_be_seen_as_secret(url));
                assert!(!is_told, "{arguments:?}: {shown}");
            }
            if is_url {
                let place = case["shown"].as_str().unwrap();
                assert!(shown.contains(place), "{arguments:?}: {shown}");
            }
        }
    }
}

/// Whether a word that stands where no URL is wanted is taken for one.
fn may_be_seen_as_secret(word: &str) -> bool {
    ["@", "%", "://", "passw"]
        .iter()
        .any(|mark| word.contains(mark))
}

#[test]
fn statements_are_logged_without_their_parameters() {
    let workplace = Workplace::prepared();
    let mut command =
        workplace.command(&["acquire", "--meta-table", "files", "--job", "a secret name"]);
    let output = command
        .env("RUST_LOG", "batchintory_wasmtime=debug")
        .output()
        .unwrap();
    let log = text(&output.stderr);
    assert!(
        log.contains("INSERT INTO") && log.contains("duration_us"),
        "{log}"
    );
    assert!(!log.contains("a secret name"), "{log}");
    // No colours where there is no terminal.
    assert!(!log.contains('\u{1b}'), "{log}");
}

#[test]
fn errors_say_what_to_do() {
    let workplace = Workplace::prepared();
    let acquire = |more: &[&str]| {
        workplace.run(&[&["acquire", "--meta-table", "files", "--job", "j"], more].concat())
    };
    fails(
        &acquire(&["--uid-column", "nope"]),
        1,
        &["nope", "hint: name the columns"],
    );
    fails(
        &acquire(&["--max-count", "0"]),
        2,
        &["max-count must be from 1"],
    );
    fails(&acquire(&["--max-weight", "heavy"]), 2, &["64MiB"]);
    fails(
        &acquire(&["--id-min", "2", "--id-max", "-1"]),
        2,
        &["is above id-max"],
    );
    fails(
        &acquire(&["--filter", "{\"column\": \"item\", \"op\": \"~\"}"]),
        2,
        &["filter.op: unknown operator"],
    );
    fails(
        &acquire(&["--filter", "@missing.json"]),
        2,
        &["missing.json"],
    );
    fails(
        &acquire(&["--component", "data/a.txt"]),
        1,
        &["is no planner component"],
    );
    fails(
        &acquire(&["--inventory", "mssql://x"]),
        1,
        &["known are sqlite, postgres, mysql and mariadb"],
    );
    fails(
        &acquire(&["--inventory", "mysql://x"]),
        1,
        &["it names no database"],
    );
    fails(
        &acquire(&["--inventory", "sqlite:data/a.txt"]),
        1,
        &["not a database"],
    );
    let output = workplace.run(&["acquire", "--meta-table", "nope", "--job", "j", "--json"]);
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"], "no-such-table");
    assert_eq!(workplace.json(&["status"]).as_array().unwrap().len(), 0);

    let empty = Workplace::new();
    fails(
        &empty.run(&["status"]),
        1,
        &["batchintory.sqlite", "hint: create the inventory"],
    );
    assert!(!empty.path("batchintory.sqlite").exists());
}

#[test]
fn a_backfill_tells_what_is_left() {
    let workplace = Workplace::prepared();
    let plan = [
        "plan",
        "--meta-table",
        "files",
        "--job",
        "backfill",
        "--id-min",
        "1",
        "--id-max",
        "2",
        "--max-count",
        "1",
        "-n",
        "1",
    ];
    let answer = workplace.json(&plan);
    assert_eq!(answer["batches"].as_array().unwrap().len(), 1);
    assert_eq!(answer["left"]["batches"], 2);
    assert_eq!(answer["left"]["items"], 2);
    assert_eq!(answer["left"]["weight"], 40.0);
    assert!(
        text(&workplace.run(&plan).stdout)
            .contains("left in the bounds: 2 batches, 2 items, weight 40")
    );
}

#[test]
fn the_schema_and_completions_need_no_database() {
    let workplace = Workplace::new();
    let schema = workplace.run(&["schema", "postgresql", "--inventory-schema", "jobs"]);
    assert!(text(&schema.stdout).contains("CREATE TABLE IF NOT EXISTS \"jobs\".\"inventory\" ("));
    let schema = workplace.run(&["schema", "sqlite"]);
    assert!(text(&schema.stdout).contains("AUTOINCREMENT"));
    for place in [
        ["--inventory-schema", "lake"],
        ["--inventory", "mysql://nowhere/lake"],
    ] {
        let schema = workplace.run(&[&["schema", "mysql"], &place[..]].concat());
        assert!(text(&schema.stdout).contains("CREATE TABLE IF NOT EXISTS `lake`.`inventory` ("));
    }
    let schema = workplace.run(&["schema", "mysql"]);
    fails(&schema, 2, &["lacks its database", "--inventory-schema"]);
    assert!(text(&workplace.run(&["completions", "bash"]).stdout).contains("batchintory"));
    assert_eq!(fs::read_dir(workplace.directory.path()).unwrap().count(), 1);
}

/// The help of every command, word for word, and what it says about bad command lines.
#[test]
fn the_help_is_as_it_was_reviewed() {
    // As wide as where the help was reviewed, however wide the terminal is.
    let cases = trycmd::TestCases::new();
    cases.env("COLUMNS", "100").case("tests/help/*.trycmd");
}

#[test]
fn a_command_gets_no_secrets_but_those_that_are_passed() {
    let workplace = Workplace::prepared();
    let url = format!("sqlite:{}", workplace.path("batchintory.sqlite").display());
    let script = r#"cat > /dev/null
        echo "[\"${BATCHINTORY_INVENTORY_CONN:-}\", \"${BATCHINTORY_META_CONN:-}\", \"${BATCHINTORY_API_TOKEN:-}\",
        \"${PGPASSWORD:-}\", \"${MYSQL_PWD:-}\", \"${HARMLESS:-}\", \"${BATCHINTORY_CLAIM_TOKEN:+told}\"]""#;
    let run = |options: &[&str]| {
        let job = [
            "run",
            "--meta-table",
            "files",
            "--job",
            "lines",
            "--max-count",
            "1",
        ];
        let output = (workplace.command(&[&job, options, &["--", "sh", "-c", script]].concat()))
            .env("BATCHINTORY_INVENTORY_CONN", &url)
            .env("BATCHINTORY_META_CONN", &url)
            .env("BATCHINTORY_API_TOKEN", "token")
            .env("PGPASSWORD", "password")
            .env("MYSQL_PWD", "password")
            .env("HARMLESS", "harmless")
            .output()
            .unwrap();
        ok(&output);
        workplace.json(&["history"])[0]["result_item"].clone()
    };
    let nothing = serde_json::json!(["", "", "", "", "", "harmless", "told"]);
    assert_eq!(run(&[]), nothing);
    let passed = [
        "--pass-env",
        "BATCHINTORY_META_CONN",
        "--pass-env",
        "PGPASSWORD",
    ];
    let some = serde_json::json!(["", url, "", "password", "", "harmless", "told"]);
    assert_eq!(run(&passed), some);
}
