//! The JavaScript package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{built, is_current};
use crate::{node, step, workspace};

/// The package's folder.
pub fn folder() -> PathBuf {
    workspace::root().join("host-adapters/javascript")
}

/// A folder in which the package is installed from its tarball, with the drivers that its users install, and
/// its tests beside it. The component must be built.
pub fn installed() -> Result<PathBuf> {
    let home = node::packages_of(&folder().join("tests"), "javascript-package", &[])?;
    let tests = home.join("tests");
    // Anew, without those that are gone.
    let _ = fs::remove_dir_all(&tests);
    copy_files(&folder().join("tests"), &tests)?;
    // The cases that hold for all hosts.
    copy_files(&workspace::root().join("tests/urls"), &tests.join("urls"))?;
    let kept = "kept_statements.json";
    fs::copy(workspace::root().join("tests").join(kept), tests.join(kept))?;
    fs::copy(
        workspace::root().join("tests/follow.json"),
        tests.join("follow.json"),
    )?;
    let marker = home.join("node_modules/batchintory/package.json");
    if is_current(&marker, &folder()) {
        return Ok(home);
    }
    step::announce("the JavaScript package");
    let tarball = pack()?;
    step::run(
        Command::new("npm")
            .args(["install", "--no-save", "--no-package-lock"])
            .args(["--no-audit", "--no-fund", "--silent"])
            .arg(tarball)
            .current_dir(&home),
    )?;
    // npm keeps the times of the tarball, which are the same in all of them.
    let text = fs::read(&marker).context("npm installed no package")?;
    fs::write(&marker, text)?;
    Ok(home)
}

/// Packs the package, and gives its tarball. The component must be built.
pub fn pack() -> Result<PathBuf> {
    // To build it no driver has to be compiled.
    node::install(&folder(), &["--ignore-scripts"])?;
    let tarballs = built()?.join("javascript");
    let _ = fs::remove_dir_all(&tarballs);
    fs::create_dir_all(&tarballs)?;
    step::run(
        Command::new("npm")
            .args(["pack", "--silent", "--pack-destination"])
            .arg(&tarballs)
            .current_dir(folder()),
    )?;
    let entry = fs::read_dir(&tarballs)?
        .next()
        .context("npm made no tarball")?;
    Ok(entry?.path())
}

/// A folder with other runtimes, and bundlers, and the tests of the package with them beside.
pub fn runtimes() -> Result<PathBuf> {
    let from = folder().join("tests/runtimes");
    let home = node::packages_of(&from, "javascript-runtimes", &[])?;
    let tests = home.join("tests");
    let _ = fs::remove_dir_all(&tests);
    copy_files(&from, &tests)?;
    for part in ["worker", "worker/src", "deno", "bun"] {
        let template = Path::new("templates").join(part);
        copy_files(&folder().join(&template), &home.join(&template))?;
    }
    Ok(home)
}

/// A folder with libSQL's server and its client; none where the server cannot be had.
pub fn libsql() -> Result<Option<PathBuf>> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(None);
    }
    // The server's own script fails, and the client's addon is for databases without a server.
    let options = ["--ignore-scripts", "--omit=optional"];
    let from = folder().join("tests/libsql");
    node::packages_of(&from, "javascript-libsql", &options).map(Some)
}

/// Copies the files of a folder, without those of the folders in it.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Checks form, lints and types, of the tests too.
pub fn lint() -> Result<()> {
    // The tests' types come from the package as it is built.
    installed()?;
    for check in ["check", "lint"] {
        step::announce_and_run(
            Command::new("npm")
                .args(["run", "--silent", check])
                .current_dir(folder()),
        )?;
    }
    Ok(())
}
