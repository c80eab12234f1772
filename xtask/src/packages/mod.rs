//! The packages: packed as they are published, and installed in clean environments as their users do.

pub mod components;
pub mod crates;
pub mod javascript;
pub mod python;

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use anyhow::{Context, Result};

use crate::component::Components;
use crate::{step, workspace};

/// What tools make of a package's folder: no sources.
const MADE: [&str; 5] = ["node_modules", "dist", "component", "__pycache__", "tests"];

/// Packs all packages as they are published.
pub fn pack(components: &Components) -> Result<()> {
    components::pack(components)?;
    crates::pack(components)?;
    step::announce("the Python package");
    python::pack()?;
    step::announce("the JavaScript package");
    javascript::pack().map(|_| ())
}

/// Where packed packages lie.
pub fn built() -> Result<PathBuf> {
    let folder = workspace::target("packages");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", workspace::shown(&folder)))?;
    Ok(folder)
}

/// Whether a package that was installed at the time of this file is what its sources and the planner's
/// component would give now.
fn is_current(installed: &Path, package: &Path) -> bool {
    let is_current = || {
        let component = workspace::target("component").join("batchintory.wasm");
        let sources = newest(package)?.max(fs::metadata(component)?.modified()?);
        Ok::<_, io::Error>(fs::metadata(installed)?.modified()? > sources)
    };
    is_current().unwrap_or(false)
}

/// When a file below the folder was changed last.
fn newest(folder: &Path) -> io::Result<SystemTime> {
    let mut newest = fs::metadata(folder)?.modified()?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_made = MADE.into_iter().any(|made| name == made);
        let is_hidden = name.to_string_lossy().starts_with('.');
        let time = match entry.file_type()?.is_dir() {
            true if is_made || is_hidden => continue,
            true => self::newest(&entry.path())?,
            false => entry.metadata()?.modified()?,
        };
        newest = newest.max(time);
    }
    Ok(newest)
}
