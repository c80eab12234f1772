//! Embeds the planner component, which `cargo xtask component` builds.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=BATCHINTORY_COMPONENT");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let component = match env::var_os("BATCHINTORY_COMPONENT") {
        Some(path) => PathBuf::from(path),
        None => target_directory(&workspace).join("component/batchintory.wasm"),
    };
    println!("cargo:rerun-if-changed={}", component.display());
    let sources = ["src", "wit"].map(|folder| workspace.join(folder));
    for folder in &sources {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    let Ok(built) = fs::metadata(&component).and_then(|metadata| metadata.modified()) else {
        println!(
            "cargo:error=the planner component {} is missing: run `cargo xtask component` first",
            component.display()
        );
        return;
    };
    if sources
        .iter()
        .filter_map(|folder| newest(folder))
        .any(|changed| changed > built)
    {
        println!(
            "cargo:warning=the planner component is older than its sources: run `cargo xtask component`"
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
            let counts = path
                .extension()
                .is_some_and(|kind| kind == "rs" || kind == "wit");
            counts
                .then(|| entry.metadata().ok()?.modified().ok())
                .flatten()
        })
        .max()
}
