//! `cargo xtask component`: the planner as one WebAssembly component.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use clap::Args;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::setup;
use crate::{step, workspace};

/// The most that the component may weigh.
const MAX_BYTES: usize = 400 * 1024;

/// All that the component may ask of its host: see wit/world.wit.
const IMPORTS: [&str; 2] = [
    "batchintory:inventory/database@0.1.0",
    "wasi:random/random@0.2.12",
];

/// Builds the planner as a WebAssembly component: target/component/batchintory.wasm
///
/// Fails when it is larger than 400 KiB or imports anything but the database and randomness.
/// Prints its path, its size and its imports.
#[derive(Args)]
pub struct Component {}

impl Component {
    pub fn run(self) -> Result<()> {
        let built = build()?;
        println!("{}", workspace::shown(&built.path));
        println!("{} bytes of at most {MAX_BYTES}", built.bytes);
        for import in built.imports {
            println!("imports {import}");
        }
        Ok(())
    }
}

/// A component that was built and checked.
pub struct Built {
    pub path: PathBuf,
    pub bytes: usize,
    pub imports: Vec<String>,
}

/// Builds and checks the component; the file stays untouched when nothing changed.
pub fn build() -> Result<Built> {
    setup::ensure_target()?;
    step::announce("component: the planner for WebAssembly");
    let module = build_module()?;
    let component = fs::read(&module)
        .map_err(anyhow::Error::from)
        .and_then(|module| encode(&module))
        .context("the planner's module cannot be made a component")?;
    let imports = imports(&component)?;
    check_imports(&imports)?;
    let path = workspace::target("component/batchintory.wasm");
    write_if_changed(&path, &component, &module)
        .with_context(|| format!("cannot write {}", workspace::shown(&path)))?;
    // Only now, so that what is too large can be looked into.
    ensure!(
        component.len() <= MAX_BYTES,
        "the component has {} bytes; at most {MAX_BYTES} are allowed",
        component.len()
    );
    Ok(Built {
        path,
        bytes: component.len(),
        imports,
    })
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)?
        .encode()
}

/// Builds the core module. In a target directory of its own, so that it neither waits for nor
/// holds up a build that runs in the shared one.
fn build_module() -> Result<PathBuf> {
    let directory = workspace::target("planner");
    step::run(
        workspace::cargo()
            .args(["build", "--quiet", "--package", "batchintory", "--lib"])
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
        .join("component/batchintory.wasm"))
}

/// How the compiler is called, beyond the profile.
fn flags() -> [String; 3] {
    let remap = |folder: PathBuf| format!("--remap-path-prefix={}=.", folder.display());
    [
        // The same bytes, wherever they are built; and no paths of that machine within.
        remap(workspace::root()),
        remap(workspace::cargo_home()),
        // What opt-level "s" inlines costs size and, run by a compiler that inlines too, gains little.
        "-Cllvm-args=-inline-threshold=20".to_owned(),
    ]
}

/// What a component imports: of the outermost one, not of those nested within.
fn imports(component: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    names.sort();
    Ok(names)
}

/// The component needs all that it may import, and nothing else.
fn check_imports(imports: &[String]) -> Result<()> {
    for import in imports {
        ensure!(
            IMPORTS.contains(&import.as_str()),
            "the component imports {import}, which no host supplies"
        );
    }
    for import in IMPORTS {
        ensure!(
            imports.iter().any(|name| name == import),
            "the component does not import {import}: it cannot do its work"
        );
    }
    Ok(())
}

/// An untouched file keeps its time, so that cargo does not rebuild what embeds it. It is written
/// again where the module is newer, so that its time tells that it is up to date.
fn write_if_changed(path: &Path, component: &[u8], module: &Path) -> io::Result<()> {
    let is_older = |path| Ok::<_, io::Error>(modified(path)? < modified(module)?);
    if fs::read(path).is_ok_and(|present| present == component) && !is_older(path)? {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, component)
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(imports: &[&str]) -> Result<()> {
        let imports: Vec<String> = imports.iter().map(|&name| name.to_owned()).collect();
        check_imports(&imports)
    }

    #[test]
    fn the_two_imports_of_the_world_are_needed_and_allowed() {
        assert!(check(&IMPORTS).is_ok());
        assert!(check(&IMPORTS[1..]).is_err());
        assert!(check(&[]).is_err());
    }

    #[test]
    fn any_other_import_is_refused_by_name() {
        let clock = "wasi:clocks/wall-clock@0.2.12";
        let refusal = check(&[IMPORTS[0], IMPORTS[1], clock]).expect_err("a third import");
        assert!(refusal.to_string().contains(clock), "{refusal}");
    }
}
