//! What tests say of themselves: for the table at the end of `cargo xtask test`.
//!
//! A line each, in the file that the variable BATCHINTORY_TEST_REPORT names; its fields are separated by tabs:
//! `database` with a database's name, or `scenarios` with host, database, number of scenarios and
//! seconds.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

/// Says that a test uses a database.
pub(crate) fn database(name: &str) {
    write(&format!("database\t{name}\n"));
}

/// Says that all scenarios passed.
pub(crate) fn scenarios(host: &str, database: &str, count: usize, taken: Duration) {
    let seconds = taken.as_secs_f64();
    write(&format!(
        "scenarios\t{host}\t{database}\t{count}\t{seconds:.3}\n"
    ));
}

/// One call of the operating system, so that lines of tests in other threads do not mix with it. Without the
/// file a test is worth as much.
fn write(line: &str) {
    if let Some(path) = env::var_os("BATCHINTORY_TEST_REPORT")
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
    {
        let _ = file.write_all(line.as_bytes());
    }
}
