//! `cargo xtask version`: one version for everything.

use std::fs;

use anyhow::{Result, ensure};
use clap::Args;

use crate::{step, versions, workspace};

/// Gives everything this version: crates, packages, interfaces, lock files, documentation
///
/// A test sees to it that all of them have one. CHANGELOG.md is written by hand. Without a version, it
/// prints the one there is.
#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask version\n  cargo xtask version 0.2.0")]
pub struct Version {
    /// Three numbers, such as 0.2.0
    version: Option<String>,
}

impl Version {
    pub fn run(self) -> Result<()> {
        let Some(version) = self.version else {
            println!("{}", versions::CURRENT);
            return Ok(());
        };
        ensure!(
            versions::is_version(&version),
            "{version:?} is no version: give three numbers, such as 0.2.0"
        );
        for (file, text) in versions::files()? {
            let raised = versions::raised(&file, &text, &version);
            if raised != text {
                fs::write(workspace::root().join(&file), raised)?;
                println!("{file}");
            }
        }
        // Cargo writes the versions of the workspace's packages into its lock file.
        step::output(workspace::cargo().args(["metadata", "--format-version=1", "--offline"]))?;
        println!("Cargo.lock\nname the version in CHANGELOG.md, with what is new");
        Ok(())
    }
}
