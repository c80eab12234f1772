//! Several processes that list the same files at once.

use std::fs;
use std::process::{Child, Stdio};

use crate::workplace::{Workplace, ok, text};
use batchintory_wasmtime::{Access, Value, connect};

/// How many processes list the files.
const PROCESSES: usize = 6;
/// How many files there are: more than one statement lists.
const FILES: usize = 1_200;

fn each_file_is_listed_once(workplace: &Workplace) {
    for number in 0..FILES {
        fs::write(workplace.path(&format!("data/{number}")), "x").unwrap();
    }
    // At first the table is missing; then all files are listed; then one of them has changed.
    let changed = workplace.path("data/a.txt");
    for (content, rows) in [
        (None, FILES + 3),
        (None, FILES + 3),
        (Some("changed"), FILES + 4),
    ] {
        if let Some(content) = content {
            fs::write(&changed, content).unwrap();
        }
        let processes: Vec<Child> = (0..PROCESSES)
            .map(|_| {
                (workplace.command(&["register", "data"]))
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let before = if content.is_some() { FILES + 3 } else { 0 };
        let mut listed = 0;
        for process in processes {
            let output = process.wait_with_output().unwrap();
            ok(&output);
            let told = text(&output.stderr).replace(',', "");
            listed += told.split(' ').next().unwrap().parse::<usize>().unwrap();
        }
        assert_eq!(count(workplace, "SELECT count(*) FROM files"), rows);
        assert!(listed == 0 || before + listed == rows, "{listed}");
        let differing = "SELECT count(*) FROM (SELECT DISTINCT item FROM files) AS items";
        assert_eq!(count(workplace, differing), FILES + 3);
    }
}

fn count(workplace: &Workplace, statement: &str) -> usize {
    let default = format!("sqlite:{}", workplace.path("batchintory.sqlite").display());
    let url = workplace.url.as_ref().unwrap_or(&default);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rows = runtime.block_on(async {
        let database = connect(url, Access::ReadWrite).await.unwrap();
        database.query(statement, &[]).await.unwrap()
    });
    match rows.rows[0][0] {
        Value::Int64(number) => usize::try_from(number).unwrap(),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn each_file_is_listed_once_in_sqlite() {
    each_file_is_listed_once(&Workplace::new());
}

#[test]
fn each_file_is_listed_once_in_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(batchintory_tests::postgres()).unwrap();
    each_file_is_listed_once(&Workplace {
        url: Some(database.url),
        ..Workplace::new()
    });
}

#[test]
fn each_file_is_listed_once_in_mysql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(batchintory_tests::mysql()).unwrap();
    each_file_is_listed_once(&Workplace {
        url: Some(database.url),
        ..Workplace::new()
    });
}

#[test]
fn a_file_that_changes_back_is_listed_again() {
    let workplace = Workplace::prepared();
    let file = workplace.path("data/a.txt");
    let (first, second) = (file.with_extension("first"), file.with_extension("second"));
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        // With the time of the change.
        let copied = std::process::Command::new("cp")
            .arg("-p")
            .args([from, to])
            .status();
        assert!(copied.unwrap().success());
    };
    copy(&file, &first);
    fs::write(&second, "something else").unwrap();
    for state in [&second, &first, &second] {
        copy(state, &file);
        let output = workplace.run(&["register", "data/a.txt"]);
        assert!(text(&output.stderr).starts_with("1 of 1 files"));
    }
    assert_eq!(count(&workplace, "SELECT count(*) FROM files"), 6);
    // Rows of other programs may tell less.
    workplace.execute("UPDATE files SET weight = NULL");
    let output = workplace.run(&["register", "data/a.txt"]);
    assert!(text(&output.stderr).starts_with("1 of 1 files"));
}
