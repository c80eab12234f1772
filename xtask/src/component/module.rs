//! From a package to its module, and from there to a component.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::commands::setup;
use crate::{step, workspace};

/// A package that becomes a core module, and the options of cargo that it is built with.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    pub name: &'static str,
    options: &'static [&'static str],
}

pub const PLANNER: Package = Package {
    name: "batchintory",
    options: &["--no-default-features", "--features", "component"],
};
pub const HTTP: Package = Package::new("batchintory-http");
pub const SPIN: Package = Package::new("batchintory-spin");
pub const WASI: Package = Package::new("batchintory-wasi");

impl Package {
    const fn new(name: &'static str) -> Self {
        let options = &[];
        Self { name, options }
    }

    /// Builds its core module.
    pub fn build(self) -> Result<PathBuf> {
        step::run(&mut self.cargo("build"))?;
        Ok(directory()
            .join(setup::TARGET)
            .join("component")
            .join(self.name.replace('-', "_"))
            .with_extension("wasm"))
    }

    /// Checks its code as it is built, with warnings denied: nothing that it depends on on this machine is
    /// compiled again.
    pub fn lint(self) -> Result<()> {
        step::announce_and_run(self.cargo("clippy").args(["--", "-D", "warnings"]))
    }

    fn cargo(self, command: &str) -> Command {
        let mut cargo = workspace::cargo();
        cargo
            .args([command, "--package", self.name, "--lib"])
            .args(self.options)
            .args(["--target", setup::TARGET, "--profile", "component"])
            .arg("--target-dir")
            .arg(directory())
            // Joined by the character that cargo splits at.
            .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f"));
        cargo
    }
}

/// A target directory of their own, so that they neither wait for nor hold up a build in the shared one.
fn directory() -> PathBuf {
    workspace::target("planner")
}

/// How the compiler is called, beyond the profile.
fn flags() -> [String; 5] {
    let remap = |folder: PathBuf| format!("--remap-path-prefix={}=.", folder.display());
    [
        // The same bytes, wherever they are built; and no paths of that machine within.
        remap(workspace::root()),
        remap(workspace::cargo_home()),
        // What would be inlined else costs size and, run by a compiler that inlines too, gains little. The best of
        // 0, 5, 10, 15, 20 and 40.
        "-Cllvm-args=-inline-threshold=10".to_owned(),
        // The linker pads every number that it fills in to five bytes, and leaves it so unless it is asked.
        "-Clink-arg=--compress-relocations".to_owned(),
        // Libraries that want randomness are told that the component says where it comes from.
        "--cfg=getrandom_backend=\"custom\"".to_owned(),
    ]
}
