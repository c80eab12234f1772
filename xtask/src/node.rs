//! Node.js with the packages that drive a browser.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::install_debian;
use crate::{step, workspace};

/// The folder of the tests, which names the packages and their exact versions.
const TESTS: &str = "tests/dashboard";

/// The files that do.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// A folder with the packages; they are fetched if they are not there yet, or others are named now.
pub fn packages() -> Result<PathBuf> {
    for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
        let is_there = || step::can_run(program);
        ensure!(
            is_there() || install_debian(package)? && is_there(),
            "{program} is missing: install Node.js 18 or later with npm (Debian and Ubuntu: `apt-get \
             install nodejs npm`, macOS: `brew install node`)"
        );
    }
    let folder = workspace::target("dashboard-tests");
    // npm writes it last.
    let installed = folder.join("node_modules/.package-lock.json");
    let is_same = |file| {
        let wanted = fs::read(workspace::root().join(TESTS).join(file));
        matches!((fs::read(folder.join(file)), wanted), (Ok(ours), Ok(wanted)) if ours == wanted)
    };
    if installed.is_file() && FILES.into_iter().all(is_same) {
        return Ok(folder);
    }
    step::announce(format_args!("the packages of {TESTS}"));
    fs::create_dir_all(&folder)?;
    for file in FILES {
        let wanted = workspace::root().join(TESTS).join(file);
        fs::copy(&wanted, folder.join(file))
            .with_context(|| format!("cannot copy {}", workspace::shown(&wanted)))?;
    }
    step::run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )?;
    Ok(folder)
}
