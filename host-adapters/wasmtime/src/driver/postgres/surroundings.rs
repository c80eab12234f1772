//! What stands outside of a URL: the environment, and the files that it or the user's home has.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The environment and the user's home. Tests have others.
pub(super) struct Surroundings {
    variable: fn(&str) -> Option<String>,
    home: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub(super) fn own() -> Self {
        let home = env::var_os("HOME").filter(|home| !home.is_empty());
        Self {
            variable: |name| env::var(name).ok(),
            home: home.map(PathBuf::from).or_else(env::home_dir),
        }
    }

    #[cfg(test)]
    pub(super) fn of_test(variable: fn(&str) -> Option<String>, home: &Path) -> Self {
        Self {
            variable,
            home: Some(home.to_owned()),
        }
    }

    /// A variable's value, unless it is empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// A file in the user's home.
    pub(super) fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(name))
    }

    /// A file in the user's home, if it is there.
    pub(super) fn present_in_home(&self, name: &str) -> Option<PathBuf> {
        self.in_home(name).filter(|file| file.is_file())
    }
}

/// A file's text without a byte order mark; `None` where there is no such file.
pub(super) fn text_of(file: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim_start_matches('\u{feff}').to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
