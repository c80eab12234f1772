//! The WIT package.

use std::fs;

use anyhow::Result;

use super::Before;
use crate::{component, versions};

/// The worlds that others build for.
const WORLDS: [&str; 2] = ["planner", "database-provider"];

/// What a version is called that has none: both must be told apart.
const NEVER: &str = "0.0.0";

/// Whether components and hosts that were built for the worlds still fit.
pub fn check(before: &Before) -> Result<()> {
    let folder = before.path("wit");
    for entry in fs::read_dir(&folder)? {
        let file = entry?.path();
        if file.is_file() {
            let text = fs::read_to_string(&file)?;
            fs::write(&file, versions::raised("wit", &text, NEVER))?;
        }
    }
    component::compare_interfaces(&folder, &WORLDS)
}
