//! Whether this checkout is still what it was at another commit, for those who build on it.

pub mod crates;
pub mod http;
pub mod interfaces;
pub mod javascript;
pub mod python;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// What is compared of the other commit; what is not named there is not looked at.
const PARTS: [&str; 5] = [
    "wit",
    http::DESCRIPTION,
    "host-adapters/javascript/package.json",
    "host-adapters/javascript/src",
    "host-adapters/javascript/tsconfig.json",
];

/// The sources at another commit.
pub struct Before {
    pub commit: String,
    pub folder: PathBuf,
}

impl Before {
    /// At a tag or a commit of this repository.
    pub fn of(revision: &str) -> Result<Self> {
        let commit = step::output(
            Command::new("git")
                .current_dir(workspace::root())
                .args(["rev-parse", "--verify", "--end-of-options"])
                .arg(format!("{revision}^{{commit}}")),
        )
        .with_context(|| format!("{revision:?} is no tag and no commit of this repository"))?;
        let folder = workspace::target("compatibility/before");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        step::run(
            Command::new("git")
                .current_dir(workspace::root())
                // The checkout's own index stays as it is.
                .env("GIT_INDEX_FILE", workspace::target("compatibility/index"))
                .arg("--work-tree")
                .arg(&folder)
                .args(["checkout", "--quiet", "--force", &commit, "--"])
                .args(PARTS),
        )?;
        Ok(Self { commit, folder })
    }

    /// A path of the checkout, there.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.folder.join(below)
    }
}
