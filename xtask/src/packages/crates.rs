//! The crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::built;
use crate::component::Components;
use crate::{step, workspace};

/// Where the crate that embeds the components takes them from once it is packed.
const STAGED: &str = "host-adapters/component/packed";

/// Packs all crates that are published. The components are left where `cargo publish` finds them.
pub fn pack(components: &Components) -> Result<()> {
    stage(&[&components.planner.path, &components.http.path])?;
    let names = published()?;
    let made = workspace::target("crates");
    let _ = fs::remove_dir_all(made.join("package"));
    let mut cargo = workspace::cargo();
    // What they compile to is for tests to see: see `cargo xtask test --packages`.
    cargo.args(["package", "--no-verify", "--allow-dirty", "--quiet"]);
    cargo.arg("--target-dir").arg(&made);
    for name in &names {
        cargo.args(["--package", name]);
    }
    step::announce_and_run(&mut cargo)?;
    let folder = built()?.join("crates");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(made.join("package"))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| is_crate(&path)) {
            fs::rename(&path, folder.join(name))?;
        }
    }
    Ok(())
}

/// A folder with the packed crates and all that they depend on, as cargo takes it for a registry. Its
/// place stays the same, so that what was compiled of it need not be compiled again.
pub fn registry() -> Result<PathBuf> {
    let folder = workspace::target("packages-registry");
    step::announce("a registry of the packed crates and what they depend on");
    step::run(
        workspace::cargo()
            .args(["vendor", "--locked", "--versioned-dirs", "--quiet"])
            .arg(&folder)
            .stdout(Stdio::null()),
    )?;
    for entry in fs::read_dir(built()?.join("crates"))? {
        let archive = entry?.path();
        let name = archive.file_stem().context("a crate has a name")?;
        let _ = fs::remove_dir_all(folder.join(name));
        step::run(
            Command::new("tar")
                .arg("xzf")
                .arg(&archive)
                .current_dir(&folder),
        )?;
        let checksum = json!({ "files": {}, "package": digest(&fs::read(&archive)?) });
        fs::write(
            folder.join(name).join(".cargo-checksum.json"),
            checksum.to_string(),
        )?;
    }
    Ok(folder)
}

/// The SHA-256 of bytes, in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies the components, each with its SHA-256.
fn stage(components: &[&Path]) -> Result<()> {
    let folder = workspace::root().join(STAGED);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for component in components {
        let name = component.file_name().context("a component has a name")?;
        let copy = folder.join(name);
        let bytes = fs::read(component)?;
        fs::write(&copy, &bytes)?;
        fs::write(copy.with_added_extension("sha256"), digest(&bytes) + "\n")?;
    }
    Ok(())
}

/// The names of the crates that may be published.
fn published() -> Result<Vec<String>> {
    let told =
        step::output(workspace::cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
    let told: Value = serde_json::from_str(&told)?;
    let packages = told.get("packages").and_then(Value::as_array);
    let is_published = |package: &&Value| package.get("publish").is_some_and(Value::is_null);
    Ok(packages
        .context("cargo names packages")?
        .iter()
        .filter(is_published)
        .filter_map(|package| package.get("name")?.as_str().map(str::to_owned))
        .collect())
}

fn is_crate(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "crate")
}
