//! What the service's component may ask of Spin.

use anyhow::{Result, ensure};

use super::imports;

/// All that it imports, by the beginnings of the names.
const IMPORTS: [&str; 7] = [
    "fermyon:spin/variables@2.",
    "spin:postgres/postgres@4.",
    "spin:sqlite/sqlite@3.",
    "wasi:clocks/",
    "wasi:http/types@0.2.",
    "wasi:io/",
    "wasi:random/random@0.2.",
];

/// Gives the component back if Spin has all that it imports.
pub fn check(component: Vec<u8>) -> Result<Vec<u8>> {
    for import in imports::list(&component)? {
        ensure!(
            IMPORTS.iter().any(|known| import.starts_with(known)),
            "the component imports {import}, which Spin does not give it"
        );
    }
    Ok(component)
}
