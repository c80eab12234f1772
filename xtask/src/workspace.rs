//! Where things are in this checkout.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout's top folder.
pub fn root() -> PathBuf {
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let package = PathBuf::from(manifest);
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// A path below cargo's target directory: the host adapter embeds the component from there.
pub fn target(below: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(target).join(below)
}

/// Where cargo keeps the sources of other packages.
pub fn cargo_home() -> PathBuf {
    let home = || Some(env::home_dir()?.join(".cargo"));
    (env::var_os("CARGO_HOME").map(PathBuf::from))
        .or_else(home)
        .unwrap_or_else(|| ".cargo".into())
}

/// A path as people want to read it: relative to the checkout where it lies within.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The cargo that runs this program, in the checkout's top folder.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Absolute, so that all build scripts mean the same folder by it.
    command
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target(""));
    // What cargo tells this program of its own package is not meant for others: build scripts that
    // look at it, such as ring's, would run again wherever cargo is called by hand, and with them all
    // that rests on TLS would be built anew.
    for (name, _) in env::vars_os() {
        let own = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        if (name.to_str()).is_some_and(|name| own.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command
}
