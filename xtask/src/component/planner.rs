//! What the planner's component must be like.

use anyhow::{Result, ensure};

use super::{Built, Made, imports};

/// The most that the component may weigh.
pub const MAX_BYTES: usize = 480 * 1024;

/// All that the component may ask of its host: see wit/world.wit.
const IMPORTS: [&str; 2] = [
    "batchintory:inventory/database@0.1.0",
    "wasi:random/random@0.2.12",
];

/// Gives the component back if it imports what it must and may.
pub fn check(made: Made) -> Result<Made> {
    imports::check(&made.imports, &IMPORTS)?;
    Ok(made)
}

/// Fails where the component is too large.
pub fn check_size(built: &Built) -> Result<()> {
    ensure!(
        built.bytes <= MAX_BYTES,
        "the component has {} bytes; at most {MAX_BYTES} are allowed",
        built.bytes
    );
    Ok(())
}
