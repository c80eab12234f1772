//! The way through, and its variants: files are listed, claimed, processed, and claimed by scripts.

use std::fs;
use std::net::TcpListener;

use crate::workplace::{COUNT_LINES, Workplace, fails, ok, text};

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
