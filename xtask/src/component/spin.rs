//! What the service's component may ask of Spin.

use anyhow::{Result, ensure};

use super::imports;

/// All that it may import, in whatever version of these lines: Spin links later ones to earlier ones.
/// `spin:variables` is not among them: its only function is asynchronous, which a component with a
/// synchronous `wasi:http/incoming-handler` may not call.
const IMPORTS: [&str; 10] = [
    "fermyon:spin/variables@2.",
    "spin:postgres/postgres@4.",
    "spin:sqlite/sqlite@3.",
    "wasi:clocks/monotonic-clock@0.2.",
    "wasi:clocks/wall-clock@0.2.",
    "wasi:http/types@0.2.",
    "wasi:io/error@0.2.",
    "wasi:io/poll@0.2.",
    "wasi:io/streams@0.2.",
    "wasi:random/random@0.2.",
];

/// Gives the component back if it imports what it must and may.
pub fn check(component: Vec<u8>) -> Result<Vec<u8>> {
    check_imports(&imports::list(&component)?)?;
    Ok(component)
}

/// The component needs all that it may import, and nothing else: above all nothing of ours, which would
/// mean that a part is missing.
fn check_imports(imports: &[String]) -> Result<()> {
    for import in imports {
        ensure!(
            IMPORTS.iter().any(|known| import.starts_with(known)),
            "the component imports {import}, which Spin does not give it"
        );
    }
    for known in IMPORTS {
        ensure!(
            imports.iter().any(|import| import.starts_with(known)),
            "the component does not import {known}: it cannot do its work"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_these_lines(imports: &[&str]) -> Vec<String> {
        imports.iter().map(|line| format!("{line}0")).collect()
    }

    #[test]
    fn all_imports_are_needed_and_allowed() {
        assert!(check_imports(&of_these_lines(&IMPORTS)).is_ok());
        for missing in 0..IMPORTS.len() {
            let mut imports = of_these_lines(&IMPORTS);
            imports.remove(missing);
            assert!(check_imports(&imports).is_err(), "{missing}");
        }
    }

    #[test]
    fn any_other_import_is_refused_by_name() {
        for other in [
            "batchintory:inventory/database@0.1.0",
            "spin:variables/variables@3.0.0",
            "spin:sqlite/sqlite@4.0.0",
            "wasi:filesystem/types@0.2.12",
        ] {
            let mut imports = of_these_lines(&IMPORTS);
            imports.push(other.to_owned());
            let refusal = check_imports(&imports).expect_err(other);
            assert!(refusal.to_string().contains(other), "{refusal}");
        }
    }
}
