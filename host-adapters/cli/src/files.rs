//! Finding files to register.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use crate::error::Failure;

/// A file as a meta table lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// In bytes.
    pub size: u64,
    /// When it was changed last: RFC 3339 in UTC, with microseconds.
    pub modified: String,
}

/// Files by their absolute paths, in the order of these.
#[derive(Debug, Default)]
pub struct Found {
    /// The files.
    pub files: BTreeMap<String, File>,
    /// What was passed over, with the reason.
    pub skipped: Vec<String>,
}

impl Found {
    /// Adds the files below a folder, a single file, or what a glob pattern matches. `progress` is told
    /// how many there are so far.
    pub fn add(&mut self, pattern: &str, mut progress: impl FnMut(usize)) -> Result<(), Failure> {
        if Path::new(pattern).exists() {
            return self.walk(Path::new(pattern), &mut progress);
        }
        let paths = glob::glob(pattern)
            .map_err(|error| Failure::usage(format!("{pattern:?} is no pattern: {error}")))?;
        let mut is_empty = true;
        for path in paths {
            is_empty = false;
            match path {
                // As below a folder.
                Ok(path) if path.is_symlink() => {}
                Ok(path) => self.walk(&path, &mut progress)?,
                Err(error) => self.skipped.push(error.to_string()),
            }
        }
        if is_empty {
            return Err(Failure::usage(format!(
                "there is no file or folder {pattern:?}"
            )));
        }
        Ok(())
    }

    fn walk(&mut self, path: &Path, progress: &mut impl FnMut(usize)) -> Result<(), Failure> {
        // Absolute, so that a command finds the items wherever it runs.
        let path = path.canonicalize().map_err(|error| {
            Failure::other(format!("{} cannot be read: {error}", path.display()))
        })?;
        for entry in WalkDir::new(path) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.skipped.push(error.to_string());
                    continue;
                }
            };
            if !entry.file_type().is_file() {
                continue;
            }
            let shown = entry.path().display().to_string();
            match (entry.path().to_str(), entry.metadata()) {
                (None, _) => self.skipped.push(format!("{shown}: the path is not UTF-8")),
                (Some(path), _) if path.contains('\n') => {
                    self.skipped
                        .push(format!("{path:?}: the path has a line break"));
                }
                (Some(_), Err(error)) => self.skipped.push(format!("{shown}: {error}")),
                (Some(path), Ok(metadata)) => {
                    self.files.insert(path.to_owned(), File::new(&metadata));
                    progress(self.files.len());
                }
            }
        }
        Ok(())
    }
}

impl File {
    fn new(metadata: &Metadata) -> Self {
        // Times that RFC 3339 cannot write are taken for its nearest end.
        let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let modified = modified.clamp(SystemTime::UNIX_EPOCH, latest);
        Self {
            size: metadata.len(),
            modified: humantime::format_rfc3339_micros(modified).to_string(),
        }
    }
}
