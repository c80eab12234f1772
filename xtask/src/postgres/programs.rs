//! Finding PostgreSQL's server programs, and installing them where that is possible.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Result, bail};

use crate::server::install_debian;
use crate::step;

/// Folders with one folder per version of PostgreSQL, each with its programs in `bin`: of Debian,
/// of PostgreSQL's own packages for Red Hat and SUSE, of Homebrew on Apple's and Intel's
/// processors, of the installer for macOS.
const VERSIONED: [(&str, &str); 6] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/usr/lib", "postgresql"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/Library/PostgreSQL", ""),
];

/// What tests start.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "pg_basebackup"];

/// PostgreSQL's server programs.
pub struct Programs {
    /// The folder that they are in.
    pub folder: PathBuf,
}

impl Programs {
    /// Looks in the usual places; as root on Debian, installs the package if need be.
    pub fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        if install_debian("postgresql")?
            && let Some(found) = Self::find()
        {
            return Ok(found);
        }
        bail!(
            "PostgreSQL's server programs (initdb, pg_ctl, pg_basebackup) are missing: install PostgreSQL 12 or \
             later (Debian and Ubuntu: `apt-get install postgresql`, macOS: `brew install \
             postgresql`), or set BATCHINTORY_TEST_POSTGRES to the URL of a server"
        )
    }

    fn find() -> Option<Self> {
        let on_path = env::var_os("PATH").unwrap_or_default();
        let configured = step::output(Command::new("pg_config").arg("--bindir")).ok();
        env::split_paths(&on_path)
            .chain(configured.map(PathBuf::from))
            .chain(
                VERSIONED
                    .iter()
                    .flat_map(|(parent, prefix)| newest_first(parent, prefix)),
            )
            .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
            // Where a link leads to: beside that are the other programs.
            .filter_map(|initdb| initdb.parent().map(Path::to_path_buf))
            .find(|folder| PROGRAMS.iter().all(|name| folder.join(name).is_file()))
            .map(|folder| Self { folder })
    }
}

/// The `bin` folders below `PARENT/PREFIX<version>`, the newest version first.
fn newest_first(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    by_version(names, prefix)
        .into_iter()
        .map(|name| Path::new(parent).join(name).join("bin"))
        .collect()
}

/// The names that are the prefix and a version, the newest version first.
fn by_version(names: impl Iterator<Item = String>, prefix: &str) -> Vec<String> {
    let mut versions: Vec<(Vec<u32>, String)> = names
        .filter_map(|name| Some((version(name.strip_prefix(prefix)?)?, name)))
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, name)| name).collect()
}

/// `9.6` as [9, 6]; nothing for what is no version.
fn version(name: &str) -> Option<Vec<u32>> {
    name.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str], prefix: &str) -> Vec<String> {
        by_version(names.iter().map(|&name| name.to_owned()), prefix)
    }

    #[test]
    fn the_newest_version_comes_first_by_number() {
        assert_eq!(
            sorted(&["9.6", "15", "10", "9.10"], ""),
            ["15", "10", "9.10", "9.6"]
        );
    }

    #[test]
    fn folders_of_other_programs_are_passed_over() {
        assert_eq!(
            sorted(
                &["postgresql@17", "postgresql@", "mysql@8", "postgresql@18"],
                "postgresql@"
            ),
            ["postgresql@18", "postgresql@17"]
        );
    }
}
