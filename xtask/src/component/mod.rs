//! The WebAssembly components: built, checked, composed.

mod file;
mod imports;
mod module;
pub mod planner;
mod service;
mod tool;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::setup;
use crate::{step, workspace};
use module::{HTTP, PLANNER, Package, SPIN, WASI};
use tool::{Made, Tool};

/// A component in its file.
pub struct Built {
    pub path: PathBuf,
    pub bytes: usize,
    pub imports: Vec<String>,
}

/// All components.
pub struct Components {
    /// The planner.
    pub planner: Built,
    /// The HTTP service with the planner.
    pub http: Built,
    /// The HTTP service with the planner, on Spin.
    pub spin: Built,
    /// The HTTP service with the planner, on hosts that give it sockets.
    pub wasi: Built,
}

impl Components {
    /// Each of them.
    pub fn all(&self) -> [&Built; 4] {
        [&self.planner, &self.http, &self.spin, &self.wasi]
    }
}

/// A component, and the modules that it was made of: it is no older than they are.
struct Whole {
    built: Built,
    modules: Vec<PathBuf>,
}

impl Whole {
    fn write(name: &str, made: Made, modules: Vec<PathBuf>) -> Result<Self> {
        let built = file::write(name, made, &modules)?;
        Ok(Self { built, modules })
    }
}

/// Builds and checks the planner alone.
pub fn build_planner() -> Result<Built> {
    Ok(planner(&Tool::build(&[])?)?.built)
}

/// Builds, checks and composes the planner and the HTTP service.
pub fn build_service() -> Result<Built> {
    let tool = Tool::build(&["componentize/compose"])?;
    let planner = planner(&tool)?;
    Ok(service(&tool, &planner)?.built)
}

/// Builds, checks and composes all components; files stay untouched where nothing changed.
pub fn build() -> Result<Components> {
    let tool = Tool::build(&["componentize/compose"])?;
    let planner = planner(&tool)?;
    let http = service(&tool, &planner)?;
    step::announce("component: the HTTP service on Spin");
    let spin = on_host(&tool, &http, SPIN, &service::SPIN)?;
    step::announce("component: the HTTP service on hosts with sockets");
    let wasi = on_host(&tool, &http, WASI, &service::SOCKETS)?;
    Ok(Components {
        planner: planner.built,
        http: http.built,
        spin,
        wasi,
    })
}

/// Makes a package of a folder of WIT files, as registries take it.
pub fn pack_interfaces(folder: &Path, file: PathBuf) -> Result<()> {
    let tool = Tool::build(&["componentize/compose"])?;
    tool.pack(folder, file).map(|_| ())
}

/// Fails where a world in `wit/` is not what it was in another folder, which has another version.
pub fn compare_interfaces(before: &Path, worlds: &[&str]) -> Result<()> {
    let tool = Tool::build(&["componentize/compare"])?;
    let now = workspace::root().join("wit");
    (worlds.iter()).try_for_each(|world| tool.compare(before, &now, world))
}

/// Checks the code of all components as it is built for WebAssembly.
pub fn lint() -> Result<()> {
    setup::ensure_target()?;
    [PLANNER, HTTP, SPIN, WASI]
        .into_iter()
        .try_for_each(Package::lint)
}

fn planner(tool: &Tool) -> Result<Whole> {
    setup::ensure_target()?;
    step::announce("component: the planner for WebAssembly");
    let module = PLANNER.build()?;
    let made = planner::check(tool.encode(&module)?)?;
    let whole = Whole::write("batchintory.wasm", made, vec![module])?;
    // Only now, so that what is too large can be looked into.
    planner::check_size(&whole.built)?;
    Ok(whole)
}

/// The HTTP service, and the planner that it imports.
fn service(tool: &Tool, planner: &Whole) -> Result<Whole> {
    step::announce("component: the HTTP service");
    let module = HTTP.build()?;
    let alone = tool.encode(&module)?;
    let name = "batchintory-http.wasm";
    let made = service::check(
        tool.plug(&alone.file, &planner.built.path, name)?,
        &service::UNBOUND,
    )?;
    let modules = [planner.modules.as_slice(), &[module]].concat();
    Whole::write(name, made, modules)
}

/// The HTTP service, and what gives it a host's databases.
fn on_host(tool: &Tool, http: &Whole, package: Package, of_its_host: &[&str]) -> Result<Built> {
    let module = package.build()?;
    let provider = tool.encode(&module)?;
    let name = format!("{}.wasm", package.name);
    let made = service::check(
        tool.plug(&http.built.path, &provider.file, &name)?,
        of_its_host,
    )?;
    let modules = [http.modules.as_slice(), &[module]].concat();
    Ok(Whole::write(&name, made, modules)?.built)
}
