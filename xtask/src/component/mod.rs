//! The WebAssembly components: built, checked, composed.

mod compose;
mod file;
mod imports;
mod module;
pub mod planner;
mod spin;

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::setup;
use crate::step;

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
}

/// Builds, checks and composes all components; files stay untouched where nothing changed.
pub fn build() -> Result<Components> {
    setup::ensure_target()?;
    step::announce("component: the planner for WebAssembly");
    let planner_module = module::build("batchintory", &["--features", "component"])?;
    let planner = planner::check(module::encode(&planner_module)?)?;
    let built = file::write("batchintory.wasm", &planner, &[&planner_module])?;
    // Only now, so that what is too large can be looked into.
    planner::check_size(&built)?;

    step::announce("component: the HTTP service");
    let http_module = module::build("batchintory-http", &[])?;
    let http = compose::plug(
        &module::encode(&http_module)?,
        &[("batchintory:planner", &planner)],
    )?;
    let http_built = file::write(
        "batchintory-http.wasm",
        &http,
        &[&planner_module, &http_module],
    )?;

    step::announce("component: the HTTP service on Spin");
    let spin_module = module::build("batchintory-spin", &[])?;
    let spin = spin::check(compose::plug(
        &http,
        &[("batchintory:spin", &module::encode(&spin_module)?)],
    )?)?;
    let spin_built = file::write(
        "batchintory-spin.wasm",
        &spin,
        &[&planner_module, &http_module, &spin_module],
    )?;
    Ok(Components {
        planner: built,
        http: http_built,
        spin: spin_built,
    })
}
