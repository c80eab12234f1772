//! The Python package.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{built, is_current};
use crate::python::PACKAGE_TESTS;
use crate::{step, workspace};

/// The package's folder.
pub fn folder() -> PathBuf {
    workspace::root().join("host-adapters/python")
}

/// A Python that has the package installed, from its wheel, and what its tests need. The component must be
/// built.
pub fn installed() -> Result<PathBuf> {
    let python = PACKAGE_TESTS.interpreter()?;
    // Gone with the environment.
    let marker = python.with_file_name("has-batchintory");
    if is_current(&marker, &folder()) {
        return Ok(python);
    }
    step::announce("the Python package");
    let wheels = built()?.join("python");
    // Of one version there is one wheel.
    let _ = fs::remove_dir_all(&wheels);
    let pip = |arguments: &[&str]| {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
            .args(arguments);
        pip
    };
    step::run(
        pip(&["wheel", "--no-deps", "--wheel-dir"])
            .arg(&wheels)
            .arg(folder()),
    )?;
    let entry = fs::read_dir(&wheels)?.next().context("pip made no wheel")?;
    let wheel = entry?.path();
    step::run(pip(&["install"]).arg(&wheel))?;
    step::run(pip(&["install", "--force-reinstall", "--no-deps"]).arg(&wheel))?;
    fs::write(&marker, "")?;
    Ok(python)
}
