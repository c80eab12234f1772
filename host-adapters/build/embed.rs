//! Embeds a component that `cargo xtask component` builds: shared by the build scripts of host adapters.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

/// Tells the crate where the component `file` is, by the variable BATCHINTORY_COMPONENT_FILE of its
/// compilation. The environment variable `variable` names another one. `sources` are the folders of the
/// workspace that it is made of.
pub fn embed(file: &str, variable: &str, sources: &[&str]) {
    println!("cargo:rerun-if-env-changed={variable}");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let component = match env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => target_directory(&workspace).join("component").join(file),
    };
    println!("cargo:rerun-if-changed={}", component.display());
    let sources = || sources.iter().map(|folder| workspace.join(folder));
    for folder in sources() {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    let Ok(built) = fs::metadata(&component).and_then(|metadata| metadata.modified()) else {
        println!(
            "cargo:error=the component {} is missing: run `cargo xtask component` first",
            component.display()
        );
        return;
    };
    if sources()
        .filter_map(|folder| newest(&folder))
        .any(|changed| changed > built)
    {
        println!(
            "cargo:warning=the component {file} is older than its sources: run `cargo xtask component`"
        );
    }
    println!(
        "cargo:rustc-env=BATCHINTORY_COMPONENT_FILE={}",
        component.display()
    );
}

fn target_directory(workspace: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
}

/// When anything in a folder was changed last. Snapshots of tests do not matter.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return newest(&path);
            }
            let counts = path.extension().is_some_and(|kind| {
                ["rs", "wit", "json", "css", "js"]
                    .iter()
                    .any(|known| kind == *known)
            });
            counts
                .then(|| entry.metadata().ok()?.modified().ok())
                .flatten()
        })
        .max()
}
