//! The forms in which items are handed over and printed.

use std::fs;

use crate::workplace::{Workplace, fails, ok, text};

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
    workplace.list_many_and_one_of_two_lines();
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
