//! The names of a component's parts, which only people who take it apart would read.

use anyhow::Result;
use wasmparser::BinaryReader;

/// The magic number and the version.
const HEADER_BYTES: usize = 8;
/// The section that holds what no host has need of.
const CUSTOM: u8 = 0;

/// The component without them: of the outermost one, not of those nested within.
pub fn strip(component: &[u8]) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(component, 0);
    let mut stripped = reader.read_bytes(HEADER_BYTES)?.to_vec();
    while !reader.eof() {
        let mut section = reader.clone();
        let kind = reader.read_u8()?;
        let content = reader.read_reader()?;
        let is_names = kind == CUSTOM && content.clone().read_string()? == "component-name";
        if !is_names {
            let bytes = reader.original_position() - section.original_position();
            stripped.extend_from_slice(section.read_bytes(bytes.try_into()?)?);
        }
    }
    Ok(stripped)
}
