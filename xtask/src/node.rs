//! Node.js, and packages from npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::install_debian;
use crate::{step, workspace};

/// The files that name the packages and their exact versions.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// A folder below the target directory with the packages that `tests` names; they are fetched if they are
/// not there yet, or others are named now, with these options of npm.
pub fn packages_of(tests: &Path, folder: &str, options: &[&str]) -> Result<PathBuf> {
    let folder = workspace::target(folder);
    fs::create_dir_all(&folder)?;
    for file in FILES {
        let wanted = fs::read(tests.join(file))
            .with_context(|| format!("cannot read {}", workspace::shown(&tests.join(file))))?;
        // An untouched file keeps its time.
        if !fs::read(folder.join(file)).is_ok_and(|present| present == wanted) {
            fs::write(folder.join(file), wanted)?;
        }
    }
    install(&folder, options)?;
    Ok(folder)
}

/// Fetches the packages that a folder's lock file names, if that was not done yet, with these options of npm.
pub fn install(folder: &Path, options: &[&str]) -> Result<()> {
    for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
        let is_there = || step::can_run(program);
        ensure!(
            is_there() || install_debian(package)? && is_there(),
            "{program} is missing: install Node.js 20 or later with npm (Debian and Ubuntu: `apt-get \
             install nodejs npm`, macOS: `brew install node`)"
        );
    }
    // npm writes it last.
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed > modified(&folder.join("package-lock.json")) {
        return Ok(());
    }
    step::announce(format_args!("the packages of {}", workspace::shown(folder)));
    step::run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--silent"])
            .args(options)
            // Where a driver is not to be had compiled: its own -O3 takes minutes, and tests are none the
            // faster for it.
            .envs([("CFLAGS", "-O1"), ("CXXFLAGS", "-O1")])
            .current_dir(folder),
    )
}

fn modified(file: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(file).and_then(|it| it.modified()).ok()
}
