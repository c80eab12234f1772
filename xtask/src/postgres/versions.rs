//! PostgreSQL's servers version by version, as a package of npm brings them.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::Programs;
use crate::{node, step, workspace};

/// The versions that tests/postgres/package.json names.
pub const VERSIONS: RangeInclusive<i64> = 12..=18;

/// The server programs of a version. They are fetched if they are not there yet.
pub fn programs(version: u8) -> Result<Programs> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "servers of other versions are fetched for Linux on x86-64 alone: set {} to the URL of one, and \
         run `cargo xtask test --only scenarios,conditions`",
        super::VARIABLE
    );
    let packages = node::packages_of(
        &workspace::root().join("tests/postgres"),
        "postgres-versions",
        &[],
    )?;
    let package = packages.join(format!("node_modules/postgresql-{version}"));
    let folder = package.join("native/bin");
    ensure!(
        folder.join("initdb").is_file(),
        "there is no PostgreSQL {version} in {}",
        workspace::shown(&packages)
    );
    link_libraries(&package)?;
    Ok(Programs { folder })
}

/// A package holds no links: its own script makes those between its libraries.
fn link_libraries(package: &Path) -> Result<()> {
    step::run(
        Command::new("node")
            .arg("scripts/hydrate-symlinks.js")
            .current_dir(package),
    )
}
