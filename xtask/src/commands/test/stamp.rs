//! Remembers what a suite passed on, so that it need not run again on the very same.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{fs, io};

use anyhow::{Context, Result};

use crate::workspace;

/// What tools make: no inputs.
const MADE: [&str; 5] = ["target", "node_modules", "dist", "__pycache__", "unchecked"];

/// A file with the hash of the inputs that a suite passed on.
pub struct Stamp {
    file: PathBuf,
    /// None where it runs every time.
    hash: Option<String>,
}

impl Stamp {
    /// For these inputs as they are now.
    pub fn new(file: PathBuf, inputs: &[PathBuf]) -> Result<Self> {
        if inputs.is_empty() {
            return Ok(Self { file, hash: None });
        }
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            add(input, &mut hasher)
                .with_context(|| format!("cannot read {}", workspace::shown(input)))?;
        }
        let hash = Some(format!("{:016x}", hasher.finish()));
        Ok(Self { file, hash })
    }

    /// Whether it was written for the same inputs.
    pub fn is_current(&self) -> bool {
        self.hash.is_some() && fs::read_to_string(&self.file).ok() == self.hash
    }

    /// Remembers the inputs.
    pub fn write(&self) -> Result<()> {
        let Some(hash) = &self.hash else {
            return Ok(());
        };
        fs::write(&self.file, hash)
            .with_context(|| format!("cannot write {}", workspace::shown(&self.file)))
    }
}

/// Adds a file, or all files of a folder. Programs and components count by their time, which changes
/// where they are built anew; all else by its content. Sources in Rust count by the programs.
fn add(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        let mut entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let is_hidden = name.to_string_lossy().starts_with('.');
            if !is_hidden && !MADE.iter().any(|made| name == *made) {
                add(&entry.path(), hasher)?;
            }
        }
        return Ok(());
    }
    match path.extension().and_then(OsStr::to_str) {
        Some("rs") => {}
        None | Some("wasm" | "exe") => {
            path.hash(hasher);
            metadata.len().hash(hasher);
            let changed = metadata.modified()?.duration_since(UNIX_EPOCH);
            changed.map_err(io::Error::other)?.hash(hasher);
        }
        Some(_) => {
            path.hash(hasher);
            fs::read(path)?.hash(hasher);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_an_input_changes() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("stamp-{}", std::process::id()));
        let inputs = folder.join("inputs");
        fs::create_dir_all(&inputs)?;
        let data = inputs.join("data.json");
        fs::write(&data, "1")?;
        let stamp = || Stamp::new(folder.join("stamp"), std::slice::from_ref(&inputs));
        assert!(!stamp()?.is_current());
        stamp()?.write()?;
        assert!(stamp()?.is_current());
        fs::write(&data, "2")?;
        assert!(!stamp()?.is_current());
        fs::write(&data, "1")?;
        assert!(stamp()?.is_current());
        fs::write(inputs.join("new.json"), "")?;
        assert!(!stamp()?.is_current());
        fs::remove_dir_all(&folder)?;
        Ok(())
    }

    #[test]
    fn without_inputs_nothing_is_remembered() -> Result<()> {
        let stamp = Stamp::new(PathBuf::from("nowhere"), &[])?;
        stamp.write()?;
        assert!(!stamp.is_current());
        Ok(())
    }
}
