//! Wasmtime's command line, whose `wasmtime serve` is a host of `wasi:http` that is not ours.

use std::path::PathBuf;

use anyhow::Result;

use crate::{step, workspace};

/// The version that this workspace builds with.
const VERSION: &str = "48.0.8";

/// What `wasmtime serve` is made of.
const FEATURES: &str = "cache,component-model-async,cranelift,pooling-allocator,run,serve";

/// The program; built if it is not there yet.
pub fn find_or_install() -> Result<PathBuf> {
    let folder = workspace::target("tools");
    let program = folder.join("bin/wasmtime");
    if !program.is_file() {
        step::announce_and_run(
            workspace::cargo()
                .args(["install", "--quiet", "--locked", "--no-track"])
                .args(["--no-default-features", "--features", FEATURES])
                .args(["--version", VERSION, "wasmtime-cli", "--root"])
                .arg(&folder)
                // It is built once and compiles little.
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        )?;
    }
    Ok(program)
}
