//! PgBouncer, the pooler that tests put before PostgreSQL.

use anyhow::{Result, ensure};

use crate::server::install_debian;
use crate::step;

/// Looks for the program; as root on Debian, installs the package if need be.
pub fn find_or_install() -> Result<()> {
    let is_there = || step::can_run("pgbouncer");
    ensure!(
        is_there() || install_debian("pgbouncer")? && is_there(),
        "PgBouncer is missing: install it (Debian and Ubuntu: `apt-get install pgbouncer`, macOS: \
         `brew install pgbouncer`)"
    );
    Ok(())
}
