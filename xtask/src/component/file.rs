//! Components in their files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use anyhow::{Context, Result};

use super::{Built, Made};
use crate::workspace;

/// Writes a component that was made of these modules.
pub fn write(name: &str, made: Made, modules: &[PathBuf]) -> Result<Built> {
    let path = workspace::target("component").join(name);
    let component = fs::read(&made.file)
        .with_context(|| format!("cannot read {}", workspace::shown(&made.file)))?;
    write_if_changed(&path, &component, modules)
        .with_context(|| format!("cannot write {}", workspace::shown(&path)))?;
    Ok(Built {
        path,
        bytes: component.len(),
        imports: made.imports,
    })
}

/// An untouched file keeps its time, so that cargo does not rebuild what embeds it. It is written
/// again where a module is newer, so that its time tells that it is up to date.
fn write_if_changed(path: &Path, component: &[u8], modules: &[PathBuf]) -> io::Result<()> {
    let is_current = || {
        let written = modified(path)?;
        for module in modules {
            if written < modified(module)? {
                return Ok::<_, io::Error>(false);
            }
        }
        Ok(true)
    };
    if fs::read(path).is_ok_and(|present| present == component) && is_current()? {
        return Ok(());
    }
    fs::write(path, component)
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}
