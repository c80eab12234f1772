//! The poolers that tests put before PostgreSQL: PgBouncer, and pgpool-II, which splits reads.

use anyhow::{Result, ensure};

use crate::server::install_debian;
use crate::step;

/// Each by its name, its program and Debian's package.
const POOLERS: [[&str; 3]; 2] = [
    ["PgBouncer", "pgbouncer", "pgbouncer"],
    ["pgpool-II", "pgpool", "pgpool2"],
];

/// Looks for the programs; as root on Debian, installs the packages if need be.
pub fn find_or_install() -> Result<()> {
    for [name, program, package] in POOLERS {
        let is_there = || step::can_run(program);
        ensure!(
            is_there() || install_debian(package)? && is_there(),
            "{name} is missing: install it (Debian and Ubuntu: `apt-get install {package}`, macOS: \
             `brew install {program}`)"
        );
    }
    Ok(())
}
