//! `cargo xtask component`: what runs as WebAssembly.

use anyhow::Result;
use clap::Args;

use crate::component::{self, Built, planner};
use crate::workspace;

/// Builds the WebAssembly components into target/component
///
/// batchintory.wasm is the planner. It fails when that is larger than 480 KiB or imports anything but
/// the database and randomness. batchintory-http.wasm is the planner behind the HTTP service,
/// batchintory-spin.wasm that with Spin's databases and variables, batchintory-wasi.wasm that with
/// PostgreSQL over the host's sockets, as for `wasmtime serve`: composed of the same bytes. Prints the path, size and imports of each.
#[derive(Args)]
pub struct Component {}

impl Component {
    pub fn run(self) -> Result<()> {
        let built = component::build()?;
        show(&built.planner, Some(planner::MAX_BYTES));
        show(&built.http, None);
        show(&built.spin, None);
        show(&built.wasi, None);
        Ok(())
    }
}

fn show(built: &Built, at_most: Option<usize>) {
    println!("{}", workspace::shown(&built.path));
    let bound = at_most.map(|bytes| format!(" of at most {bytes}"));
    println!("  {} bytes{}", built.bytes, bound.unwrap_or_default());
    for import in &built.imports {
        println!("  imports {import}");
    }
}
