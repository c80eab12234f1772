//! The WebAssembly components: built, checked, composed.

mod compose;
mod file;
mod imports;
mod module;
pub mod planner;
mod service;

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::setup;
use crate::step;
pub use module::OWN_RANDOMNESS;

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
    let http = compose::plug(&module::encode(&http_module)?, &planner)?;
    let http = service::check(http, &service::UNBOUND)?;
    let modules = [&planner_module, &http_module];
    let http_built = file::write("batchintory-http.wasm", &http, &modules)?;

    // Composed with what gives it a host's databases.
    let on_host = |package: &str, of_its_host: &[&str]| {
        let provider = module::build(package, &[])?;
        let whole = compose::plug(&http, &module::encode(&provider)?)?;
        let modules = [&planner_module, &http_module, &provider];
        file::write(
            &format!("{package}.wasm"),
            &service::check(whole, of_its_host)?,
            &modules,
        )
    };
    step::announce("component: the HTTP service on Spin");
    let spin = on_host("batchintory-spin", &service::SPIN)?;
    step::announce("component: the HTTP service on hosts with sockets");
    let wasi = on_host("batchintory-wasi", &service::SOCKETS)?;
    Ok(Components {
        planner: built,
        http: http_built,
        spin,
        wasi,
    })
}
