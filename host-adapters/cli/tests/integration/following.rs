//! A run that waits for items. None of these tests lasts as long as its `--poll` of an hour.

use crate::broken_off::{signal, wait_for, wait_for_words};
use crate::workplace::{Workplace, fails};

const MARK: &str = "cat > item; touch \"seen $BATCHINTORY_ID_START\"";

#[test]
fn a_run_that_follows_takes_what_comes_until_a_signal() {
    let workplace = Workplace::prepared();
    let mut child = workplace.start_script(&["--max-count", "1", "--follow", "--poll", "1s"], MARK);
    wait_for_words(&mut child, "waiting for items");
    for uid in [4, 5] {
        workplace.execute(&format!(
            "INSERT INTO files (uid, item, weight) VALUES ({uid}, 'x', 1)"
        ));
        wait_for(&mut child, &workplace.path(&format!("seen {uid}")));
        wait_for_words(&mut child, "waiting for items");
    }
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    fails(&output, 130, &["5 batches succeeded"]);
    assert_eq!(workplace.numbers(), [5, 0, 0, 0]);
}

#[test]
fn a_run_that_waits_ends_at_the_first_signal() {
    for name in ["-TERM", "-INT"] {
        let workplace = Workplace::prepared();
        let options = ["--follow", "--poll", "1h", "--parallel", "3"];
        let mut child = workplace.start_script(&options, MARK);
        wait_for_words(&mut child, "waiting for items");
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        fails(&output, 130, &["1 batch succeeded"]);
        assert_eq!(workplace.numbers(), [1, 0, 0, 0]);
    }
}

#[test]
fn a_range_that_rests_is_waited_for_and_so_is_a_lease() {
    let workplace = Workplace::prepared();
    let options = [
        "--follow",
        "--poll",
        "1h",
        "--batches",
        "2",
        "--retry-delay",
        "1s",
    ];
    let script = "cat > item; [ -e failed ] || { touch failed; exit 1; }";
    let output = workplace
        .start_script(&options, script)
        .wait_with_output()
        .unwrap();
    fails(&output, 4, &["waiting for items", "1 batch succeeded"]);

    let workplace = Workplace::prepared();
    let job = ["--meta-table", "files", "--job", "lines"];
    workplace.json(&[&["acquire", "--lease", "2s"], job.as_slice()].concat());
    let options = ["--follow", "--poll", "1h", "--batches", "1"];
    let output = workplace
        .start_script(&options, MARK)
        .wait_with_output()
        .unwrap();
    fails(&output, 0, &["waiting for items", "1 batch succeeded"]);
    assert_eq!(workplace.numbers(), [1, 1, 0, 0]);
}

#[test]
fn a_table_that_notifies_wakes_a_run_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(batchintory_tests::postgres()).unwrap();
    let execute = |statement: &str| {
        runtime
            .block_on(database.connection.query(statement, &[]))
            .unwrap()
    };
    let mut workplace = Workplace::new();
    workplace.url = Some(database.url.clone());
    workplace.prepare();
    let notify = ["schema", "postgresql", "--notify", "--meta-table", "files"];
    let statements = workplace.json(&notify);
    // They may be run again.
    for _ in ["first", "again"] {
        for statement in statements.as_array().unwrap() {
            execute(statement.as_str().unwrap());
        }
    }
    let options = ["--follow", "--poll", "1h", "--batches", "3"];
    let mut child = workplace.start_script(&options, MARK);
    for uid in [4, 5] {
        wait_for_words(&mut child, "waiting for items");
        execute(&format!(
            "INSERT INTO files (uid, item, weight) VALUES ({uid}, 'x', 1)"
        ));
        wait_for(&mut child, &workplace.path(&format!("seen {uid}")));
    }
    let output = child.wait_with_output().unwrap();
    fails(&output, 0, &["3 batches succeeded"]);
}

#[test]
fn only_tables_in_postgresql_notify() {
    let workplace = Workplace::new();
    let refused = workplace.run(&["schema", "sqlite", "--notify", "--meta-table", "files"]);
    fails(&refused, 2, &["only tables in PostgreSQL"]);
}
