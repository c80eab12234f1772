//! What the planner's component must be like.

use anyhow::{Result, ensure};

use super::{Built, imports};

/// The most that the component may weigh.
pub const MAX_BYTES: usize = 400 * 1024;

/// All that the component may ask of its host: see wit/world.wit.
const IMPORTS: [&str; 2] = [
    "batchintory:inventory/database@0.1.0",
    "wasi:random/random@0.2.12",
];

/// Gives the component back if it imports what it must and may.
pub fn check(component: Vec<u8>) -> Result<Vec<u8>> {
    check_imports(&imports::list(&component)?)?;
    Ok(component)
}

/// Fails where the component is too large.
pub fn check_size(built: &Built) -> Result<()> {
    ensure!(
        built.bytes <= MAX_BYTES,
        "the component has {} bytes; at most {MAX_BYTES} are allowed",
        built.bytes
    );
    Ok(())
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
