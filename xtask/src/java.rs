//! Java, which Spark runs on in an example of the Python package.

use anyhow::{Result, ensure};

use crate::server::install_debian;
use crate::step;

/// Looks for the program; as root on Debian, installs the package if need be.
pub fn find_or_install() -> Result<()> {
    let is_there = || step::can_run("java");
    ensure!(
        is_there() || install_debian("default-jre-headless")? && is_there(),
        "Java is missing: install it (Debian and Ubuntu: `apt-get install default-jre-headless`, macOS: \
         `brew install openjdk`)"
    );
    Ok(())
}
