//! Chromium, the browser that tests look at the dashboard with.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::server::install_debian;
use crate::step;

/// What the program is called: by Debian, by Ubuntu, by those who build it, by Google.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "chrome", "google-chrome"];

/// The program; as root on Debian, the package is installed if need be.
pub fn find_or_install() -> Result<PathBuf> {
    let find = || NAMES.into_iter().find_map(step::find_program);
    let found = match find() {
        Some(program) => Some(program),
        None if install_debian("chromium")? => find(),
        None => None,
    };
    found.context(
        "Chromium is missing: install it (Debian: `apt-get install chromium`) so that it is on the PATH",
    )
}
