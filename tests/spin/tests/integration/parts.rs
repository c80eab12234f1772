//! What an instance takes of a host's pool, and that the documentation says so.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasmparser::{Parser, Payload};

/// What has places in a pool.
#[derive(Debug, Default, PartialEq)]
struct Parts {
    memories: u32,
    tables: u32,
    /// Each is instantiated once.
    modules: u32,
}

/// The parts of a component and of those nested within.
fn parts(component: &[u8]) -> Result<Parts> {
    let mut parts = Parts::default();
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } => parts.modules += 1,
            Payload::MemorySection(memories) => parts.memories += memories.count(),
            Payload::TableSection(tables) => parts.tables += tables.count(),
            _ => {}
        }
    }
    Ok(parts)
}

/// A figure of the documentation: the last cell of the row that begins so.
fn documented(row: &str) -> Result<u32> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/serverless.md");
    let page = std::fs::read_to_string(page)?;
    let row = (page.lines().find(|line| line.starts_with(row))).context("no such row")?;
    let cell = row.trim_end_matches(['|', ' ']).rsplit('|').next();
    Ok(cell.context("no cell")?.trim().parse()?)
}

#[test]
fn an_instance_takes_of_a_pool_what_the_documentation_says() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component");
    for name in ["batchintory-spin.wasm", "batchintory-wasi.wasm"] {
        let found = parts(&std::fs::read(folder.join(name))?)?;
        let memories = documented("| `SPIN_WASMTIME_TOTAL_MEMORIES`")?;
        let tables = documented("| `SPIN_WASMTIME_TOTAL_TABLES`")?;
        // Three are wasmtime's own, between the components. That these are all is checked by
        // `wasmtime serve` with just these limits, see `tests/tests/hosts/wasmtime_serve.rs`.
        let modules = documented("| `SPIN_WASMTIME_TOTAL_CORE_INSTANCES`")? - 3;
        let expected = Parts {
            memories,
            tables,
            modules,
        };
        ensure!(found == expected, "{name} has {found:?}, not {expected:?}");
    }
    Ok(())
}
