//! Components that were not built: only crates that embed one of them need it.

use std::fs;
use std::io::Result;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::tempdir;

/// What `embeds` says of this crate, built with both features where no component is.
fn built(embeds: &str) -> Result<Output> {
    let folder = tempdir()?;
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.path().join("program");
    fs::create_dir_all(program.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nbatchintory-component = {{ path = {package:?}, features = [\"planner\", \"service\"] }}\n"
    );
    fs::write(program.join("Cargo.toml"), manifest)?;
    fs::write(program.join("src/lib.rs"), embeds)?;
    // The very versions of what it needs, which are there already.
    let lock = package.join("../../Cargo.lock");
    fs::copy(lock, program.join("Cargo.lock"))?;
    Command::new("cargo")
        .args(["build", "--quiet", "--offline"])
        .current_dir(&program)
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .env_remove("BATCHINTORY_COMPONENT")
        .env_remove("BATCHINTORY_HTTP_COMPONENT")
        .output()
}

#[test]
fn what_is_not_embedded_may_be_missing() -> Result<()> {
    let built = built("pub use batchintory_component as components;")?;
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    Ok(())
}

#[test]
fn what_is_embedded_must_be_built_first() -> Result<()> {
    let built = built("pub const BYTES: &[u8] = batchintory_component::service();")?;
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(
        !built.status.success(),
        "it was built without the component"
    );
    assert!(
        said.contains("batchintory-http.wasm is missing: run `cargo xtask component` first"),
        "{said}"
    );
    Ok(())
}
