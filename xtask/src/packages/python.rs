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
    let wheel = wheel(&python)?;
    // First what it depends on, then this very wheel, whatever of its version is there.
    step::run(pip(&python, &["install"]).arg(with_extras(&wheel)))?;
    step::run(pip(&python, &["install", "--force-reinstall", "--no-deps"]).arg(&wheel))?;
    fs::write(&marker, "")?;
    Ok(python)
}

/// The package's wheel: built if its sources or the component have changed since.
fn wheel(python: &Path) -> Result<PathBuf> {
    let wheels = built()?.join("python");
    let find = || Some(fs::read_dir(&wheels).ok()?.next()?.ok()?.path());
    if let Some(wheel) = find()
        && is_current(&wheel, &folder())
    {
        return Ok(wheel);
    }
    // Of one version there is one wheel.
    let _ = fs::remove_dir_all(&wheels);
    step::run(
        pip(python, &["wheel", "--no-deps", "--wheel-dir"])
            .arg(&wheels)
            .arg(folder()),
    )?;
    find().context("pip made no wheel")
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
    for tool in [
        &["ruff", "check", "--quiet"][..],
        &["ruff", "format", "--check", "--quiet"],
        &["mypy", "--no-error-summary"],
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
