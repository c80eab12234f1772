//! The JavaScript package.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Before;
use crate::packages::javascript::{folder, pack};
use crate::{component, node, step, workspace};

/// Whether programs that were written with its types still compile.
pub fn check(before: &Before) -> Result<()> {
    let own_component = folder().join("component");
    if own_component.is_dir() {
        node::install(&folder(), &["--ignore-scripts"])?;
    } else {
        component::build()?;
        pack()?;
    }
    let home = workspace::target("compatibility/javascript");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home)?;
    // What the sources and their declarations import.
    let then = before.path("host-adapters/javascript");
    link(&own_component, &then.join("component"))?;
    for user in [&then, &home] {
        link(&folder().join("node_modules"), &user.join("node_modules"))?;
    }
    for (sources, side) in [(&then, "before"), (&folder(), "now")] {
        // Types of the component may have changed since: what is made of the sources counts.
        let declarations = home.join(side);
        let mut compile = compiler();
        compile
            .current_dir(sources)
            .args(["--emitDeclarationOnly", "--outDir"]);
        let _ = step::output(compile.arg(declarations));
    }
    step::run(
        Command::new("node")
            .arg(workspace::root().join("tests/compatibility/javascript.js"))
            .arg(&home)
            .arg(then.join("package.json")),
    )?;
    step::run(
        compiler()
            .current_dir(&home)
            .args(["--noEmit", "--strict", "--exactOptionalPropertyTypes"])
            .args(["--skipLibCheck", "--module", "nodenext"])
            .args(["--target", "es2022", "--types", "node"])
            .args(["--lib", "es2024,esnext.disposable,dom", "check.ts"]),
    )
}

fn compiler() -> Command {
    Command::new(folder().join("node_modules/.bin/tsc"))
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(from, to)?)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> Result<()> {
    anyhow::bail!("types are compared on Linux and macOS")
}
