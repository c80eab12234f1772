//! Folders and processes that know nothing of the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

/// Variables that would lead back into the checkout, or to what is installed on this machine.
const LEADING: [&str; 8] = [
    "BATCHINTORY_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "NODE_PATH",
    "PYTHON",
    "VIRTUAL_ENV",
];

/// A folder that is gone afterwards.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("packages-").tempdir();
    folder.expect("a folder for temporary files")
}

/// A program in a folder, with none of these variables.
pub fn program(program: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        let leads = |start: &&str| name.to_string_lossy().starts_with(*start);
        if LEADING.iter().any(leads) {
            command.env_remove(name);
        }
    }
    command
}

/// What a program prints; it must succeed.
pub fn output(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        done.status.success(),
        "{command:?} ended with {}\n{}{}",
        done.status,
        text(&done.stdout),
        text(&done.stderr)
    );
    text(&done.stdout)
}

/// Unpacks an archive, and gives the only folder in it.
pub fn unpack(archive: &Path, into: &Path) -> PathBuf {
    fs::create_dir_all(into).unwrap();
    let list = output(program("tar", into).arg("tzf").arg(archive));
    output(program("tar", into).arg("xzf").arg(archive));
    into.join(list.lines().next().unwrap().split('/').next().unwrap())
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
