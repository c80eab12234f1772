//! From a package to its module, and from there to a component.

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::setup;
use crate::{step, workspace};

/// Tells libraries that want randomness that the component says where it comes from.
pub const OWN_RANDOMNESS: &str = "--cfg=getrandom_backend=\"custom\"";

/// Builds a package's core module. In a target directory of its own, so that it neither waits for
/// nor holds up a build that runs in the shared one.
pub fn build(package: &str, options: &[&str]) -> Result<PathBuf> {
    let directory = workspace::target("planner");
    step::run(
        workspace::cargo()
            .args(["build", "--package", package, "--lib"])
            .args(options)
            .args([
                "--target",
                setup::TARGET,
                "--profile",
                "component",
                "--target-dir",
            ])
            .arg(&directory)
            // Joined by the character that cargo splits at.
            .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f")),
    )?;
    Ok(directory
        .join(setup::TARGET)
        .join("component")
        .join(package.replace('-', "_"))
        .with_extension("wasm"))
}

/// How the compiler is called, beyond the profile.
fn flags() -> [String; 4] {
    let remap = |folder: PathBuf| format!("--remap-path-prefix={}=.", folder.display());
    [
        // The same bytes, wherever they are built; and no paths of that machine within.
        remap(workspace::root()),
        remap(workspace::cargo_home()),
        // What opt-level "s" inlines costs size and, run by a compiler that inlines too, gains little.
        "-Cllvm-args=-inline-threshold=20".to_owned(),
        OWN_RANDOMNESS.to_owned(),
    ]
}
