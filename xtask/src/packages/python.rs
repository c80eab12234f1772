//! The Python package.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{built, is_current};
use crate::python::{Environment, PACKAGE};
use crate::{step, workspace};

/// The package's folder.
pub fn folder() -> PathBuf {
    workspace::root().join("host-adapters/python")
}

/// The interpreter of an environment in which the package is installed, from its wheel. The component must
/// be built.
pub fn installed(environment: &Environment) -> Result<PathBuf> {
    let python = environment.interpreter()?;
    // Gone with the environment.
    let marker = python.with_file_name("has-batchintory");
    if is_current(&marker, &folder()) {
        return Ok(python);
    }
    step::announce("the Python package");
    let wheel = wheel()?;
    // First what it depends on, then this very wheel, whatever of its version is there.
    step::run(pip(&python, &["install"]).arg(with_extras(&wheel)))?;
    step::run(pip(&python, &["install", "--force-reinstall", "--no-deps"]).arg(&wheel))?;
    fs::write(&marker, "")?;
    Ok(python)
}

/// The package's wheel: built if its sources or the component have changed since.
fn wheel() -> Result<PathBuf> {
    let folder = built()?.join("python");
    match find(&folder, "whl") {
        Ok(wheel) if is_current(&wheel, &self::folder()) => Ok(wheel),
        _ => find(&pack()?, "whl"),
    }
}

/// Packs the sources with the component, and makes the wheel of what was packed: whoever builds from
/// the sources gets the same. The component must be built.
pub fn pack() -> Result<PathBuf> {
    let python = PACKAGE.interpreter()?;
    let folder = built()?.join("python");
    // Of one version there is one of each.
    let _ = fs::remove_dir_all(&folder);
    step::run(
        Command::new(&python)
            .args([
                "-m",
                "hatchling",
                "build",
                "--target",
                "sdist",
                "--directory",
            ])
            .arg(&folder)
            .current_dir(self::folder()),
    )?;
    step::run(
        pip(
            &python,
            &["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir"],
        )
        .arg(&folder)
        .arg(find(&folder, "gz")?),
    )?;
    Ok(folder)
}

/// The file of this kind in a folder.
fn find(folder: &Path, kind: &str) -> Result<PathBuf> {
    let files = fs::read_dir(folder).context("nothing is packed yet")?;
    files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == kind))
        .with_context(|| format!("no file of the kind {kind} was made"))
}

fn pip(python: &Path, arguments: &[&str]) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
        .args(arguments);
    pip
}

/// The wheel with the drivers that its users choose.
fn with_extras(wheel: &Path) -> OsString {
    let mut requirement = wheel.as_os_str().to_owned();
    requirement.push("[mysql,postgresql,progress]");
    requirement
}

/// Checks form, lints and types, of the tests and examples too.
pub fn lint() -> Result<()> {
    let python = installed(&PACKAGE)?;
    let interpreter = python.to_string_lossy();
    for tool in [
        &["ruff", "check", "--quiet"][..],
        &["ruff", "format", "--check", "--quiet"],
        &["mypy", "--no-error-summary"],
        // It runs in Node.js, which the JavaScript package needs, too.
        &["pyright", "--pythonpath", &*interpreter],
    ] {
        step::announce_and_run(
            Command::new(&python)
                .arg("-m")
                .args(tool)
                .current_dir(folder()),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_licences_are_the_projects() -> Result<()> {
        // A link would lead out of the archive of its sources.
        for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let ours = fs::read(workspace::root().join(name))?;
            assert!(fs::read(folder().join(name))? == ours, "{name} differs");
        }
        Ok(())
    }
}
