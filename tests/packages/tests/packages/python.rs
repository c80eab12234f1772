//! The Python package, by its wheel and by its sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::clean;
use crate::packed::{self, VERSION};

/// The variable with the Python that has `twine`.
const TOOLS: &str = "BATCHINTORY_TEST_PACKAGES_PYTHON";

/// What a user of it might write.
const PROGRAM: &str = "\
import sqlite3
from batchintory import AcquireRequest, Inventory

lake = sqlite3.connect('lake.sqlite')
lake.execute('CREATE TABLE files (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)')
lake.executemany('INSERT INTO files (item, weight) VALUES (?, 1)', [('a',), ('b',), ('c',)])
lake.commit()
with Inventory('sqlite:lake.sqlite') as inventory:
    inventory.migrate()
    done = inventory.process(AcquireRequest('files', 'count', max_count=2), len)
    print(done.succeeded, done.failed)
";

#[test]
fn both_archives_describe_themselves() {
    let tools = std::env::var_os(TOOLS).expect("run `cargo xtask test --packages`");
    let folder = clean::folder();
    let mut twine = clean::program(PathBuf::from(tools), folder.path());
    twine.args(["-m", "twine", "--no-color", "check", "--strict"]);
    let said = clean::output(twine.args([wheel(), sources()]));
    assert_eq!(said.matches("PASSED").count(), 2, "{said}");
}

#[test]
fn the_wheel_is_installed_and_works() {
    installed_and_used(&wheel());
}

#[test]
fn the_sources_are_installed_and_work() {
    installed_and_used(&sources());
}

fn wheel() -> PathBuf {
    packed::file("python", ".whl")
}

fn sources() -> PathBuf {
    packed::file("python", ".tar.gz")
}

fn installed_and_used(package: &Path) {
    let folder = clean::folder();
    let place = folder.path();
    clean::output(clean::program("python3", place).args(["-m", "venv", "environment"]));
    let python = place.join("environment/bin/python");
    let run = |arguments: &[&str]| clean::output(clean::program(&python, place).args(arguments));
    // A copy, so that nothing beside it can be found.
    let copy = place.join(packed::name(package));
    fs::copy(package, &copy).unwrap();
    run(&["-m", "pip", "install", "--quiet", copy.to_str().unwrap()]);

    let installed = place.join("environment/lib");
    let is_component = |path: &PathBuf| path.ends_with("batchintory/planner/batchintory.wasm");
    let component = clean::files(&installed)
        .into_iter()
        .find(is_component)
        .unwrap();
    let built = packed::component("batchintory.wasm");
    assert_eq!(packed::digest(&component), packed::digest(&built));
    let licences = format!("batchintory-{VERSION}.dist-info/licenses/LICENSE-");
    let of_licence = |path: &PathBuf| path.to_string_lossy().contains(&licences);
    assert_eq!(
        clean::files(&installed)
            .into_iter()
            .filter(of_licence)
            .count(),
        2
    );

    assert_eq!(run(&["-c", PROGRAM]), "2 0\n");
    let script = place.join("environment/bin/batchintory");
    let mut as_module = clean::program(&python, place);
    as_module.args(["-m", "batchintory"]);
    for mut command in [clean::program(script, place), as_module] {
        shows_and_requeues(&mut command);
    }
}

fn shows_and_requeues(command: &mut Command) {
    let program = command.get_program().to_owned();
    let first: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let folder = command.get_current_dir().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let mut command = clean::program(PathBuf::from(&program), &folder);
        let connected = ["--json", "--inventory", "sqlite:lake.sqlite"];
        let text = clean::output(command.args(&first).args(arguments).args(connected));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let version = clean::output(command.arg("--version"));
    assert_eq!(version.trim(), format!("batchintory {VERSION}"));
    assert_eq!(run(&["migrate"])["created"], false);
    assert_eq!(run(&["status"])[0]["remaining"]["items"], 0);
    assert_eq!(run(&["history"])[0]["id_end"], 3);
    let requeue = [
        "requeue",
        "--meta-table",
        "files",
        "--job",
        "count",
        "--ids",
        "1..3",
    ];
    assert_eq!(run(&requeue)["ranges"], 2);
}
