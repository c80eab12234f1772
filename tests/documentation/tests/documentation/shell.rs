//! One shell that runs a page's commands one after the other, in a folder of its own.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The variable with the Python that has the package.
const PYTHON: &str = "BATCHINTORY_TEST_PYTHON_PACKAGE";

/// What separates the output of commands. No command prints it.
const SEPARATOR: char = '\u{1e}';

/// What a page does, in order.
pub enum Step {
    /// A file is saved, which can be run.
    File { name: String, text: String },
    /// A command is run.
    Command(String),
}

/// The command line that was built with these tests.
pub fn program() -> PathBuf {
    let own = env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("batchintory");
    assert!(
        program.is_file(),
        "there is no {}: run these tests by `cargo xtask test --only tests/documentation`",
        program.display()
    );
    program
}

/// Where programs are: this checkout's first, then Python with the package where it is needed, then the machine's.
fn path(needs_python: bool) -> OsString {
    let mut folders = vec![program().parent().unwrap().to_owned()];
    if needs_python {
        let python = env::var_os(PYTHON).unwrap_or_else(|| {
            panic!(
                "{PYTHON} is not set: run these tests by `cargo xtask test --only tests/documentation`"
            )
        });
        folders.push(Path::new(&python).parent().unwrap().to_owned());
    }
    let others = env::var_os("PATH").unwrap_or_default();
    folders.extend(env::split_paths(&others));
    env::join_paths(folders).unwrap()
}

/// Runs the steps, and gives what each command printed, errors among the rest.
pub fn run(steps: &[Step]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let mut script = String::from("exec 2>&1\n");
    let mut commands = 0;
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::File { name, text } => {
                // Written by the shell, since a page may save a file twice.
                let saved = format!(".saved-{number}");
                fs::write(folder.path().join(&saved), text).unwrap();
                script.push_str(&format!(
                    "mkdir -p \"$(dirname {name})\" && mv {saved} {name} && chmod +x {name}\n"
                ));
            }
            Step::Command(command) => {
                commands += 1;
                // What the command before ended with is for this one to see.
                script.push_str(&format!(
                    "status=$?; printf '{SEPARATOR}'; (exit $status)\n{command}\n"
                ));
            }
        }
    }
    // DuckDB lies beside it.
    let needs_python = (steps.iter()).any(|step| match step {
        Step::Command(command) => command.starts_with("python ") || command.contains("duckdb"),
        Step::File { .. } => false,
    });
    let scripts = TempDir::new().unwrap();
    let file = scripts.path().join("script");
    fs::write(&file, script).unwrap();
    let output = Command::new("bash")
        .arg(file)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", path(needs_python))
        // The compiled planner is kept there.
        .env("HOME", env::var_os("HOME").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let text = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<String> = text.split(SEPARATOR).skip(1).map(str::to_owned).collect();
    assert_eq!(printed.len(), commands, "the shell ended early:\n{text}");
    printed
}
