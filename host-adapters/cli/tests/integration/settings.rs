//! Settings, help, and what is said of a command line that is wrong.

use std::fs;

use crate::workplace::{Workplace, fails, ok, text};
use serde_json::Value;

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
