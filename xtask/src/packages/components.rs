//! The components, and the package of their interfaces.

use std::fs;

use anyhow::{Context, Result};

use super::built;
use crate::component::{self, Components};
use crate::workspace;

/// Lays the components together, and makes a package of `wit/`.
pub fn pack(components: &Components) -> Result<()> {
    let folder = built()?.join("components");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for component in components.all() {
        let name = component
            .path
            .file_name()
            .context("a component has a name")?;
        fs::copy(&component.path, folder.join(name))?;
    }
    component::pack_interfaces(
        &workspace::root().join("wit"),
        folder.join("batchintory-inventory.wit.wasm"),
    )
}
