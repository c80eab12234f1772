//! Several meta databases that share an inventory.

use crate::workplace::{Workplace, fails, ok, text};

#[test]
fn tables_of_one_name_in_two_databases_are_told_apart_by_their_sources() {
    let workplace = Workplace::prepared();
    ok(&workplace.run(&["register", "data", "--meta", "sqlite:other.sqlite"]));
    let acquire = ["acquire", "--meta-table", "files", "--job", "lines"];
    let there = ["--meta", "sqlite:other.sqlite", "--meta-name", "other"];
    ok(&workplace.run(&acquire));
    let there_too = workplace.json(&[&acquire[..], &there].concat());
    let batch = &there_too["batch"];
    assert_eq!(
        (&batch["meta_table"], &batch["count"]),
        (&"files".into(), &3.into())
    );
    assert_eq!(workplace.run(&acquire).status.code(), Some(3));

    let token = batch["claim_token"].as_str().unwrap();
    let refused = workplace.run(&["items", token]);
    fails(&refused, 2, &["in the source \"other\"", "meta-name"]);
    let named = workplace
        .command(&["items", token, "--meta", "sqlite:other.sqlite"])
        .env("BATCHINTORY_META_NAME", "other")
        .output()
        .unwrap();
    ok(&named);
    assert_eq!(text(&named.stdout).lines().count(), 3);

    // What is listed can be asked for.
    let status = workplace.run(&["status"]);
    ok(&status);
    assert!(text(&status.stdout).contains("other:files"));
    assert!(text(&status.stderr).contains("in the source \"other\""));
    let history = workplace.json(&["history", "--meta-table", "other:files"]);
    assert_eq!(history.as_array().unwrap().len(), 1);
    fails(
        &workplace.run(&["status", "--meta-name", "a:b"]),
        2,
        &["meta-name must be"],
    );
}
