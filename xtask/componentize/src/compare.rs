//! Whether interfaces are still what they were.

use std::path::Path;

use anyhow::{Context, Result};
use wit_parser::{Resolve, WorldId};

/// Fails where a component that was built for a world as it was would not fit the world as it is: it imports
/// less, or exports something else.
pub fn worlds(before: &Path, now: &Path, world: &str) -> Result<()> {
    let (mut resolve, before) = select(before, world)?;
    let (other, now) = select(now, world)?;
    let merged = resolve.merge(other)?;
    let now = merged.map_world(now, Default::default())?;
    wit_component::semver_check(resolve, before, now)
        .with_context(|| format!("the world {world} is not what it was"))
}

fn select(folder: &Path, world: &str) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}
