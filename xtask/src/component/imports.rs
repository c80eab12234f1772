//! What a component asks of its host.

use anyhow::{Result, ensure};

/// A component needs all that it may import, and nothing else. Names may be cut off where any version of a
/// line will do: hosts link later ones to earlier ones.
pub fn check(imports: &[String], known: &[&str]) -> Result<()> {
    for import in imports {
        ensure!(
            known.iter().any(|name| import.starts_with(name)),
            "the component imports {import}, which no host of it supplies"
        );
    }
    for name in known {
        ensure!(
            imports.iter().any(|import| import.starts_with(name)),
            "the component does not import {name}: it cannot do its work"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 2] = ["wasi:random/random@0.2.", "ours:database/query@0.1.0"];

    fn check(imports: &[&str]) -> Result<()> {
        let imports: Vec<String> = imports.iter().map(|&name| name.to_owned()).collect();
        super::check(&imports, &KNOWN)
    }

    #[test]
    fn all_imports_are_needed_and_allowed() {
        let both = ["ours:database/query@0.1.0", "wasi:random/random@0.2.12"];
        assert!(check(&both).is_ok());
        assert!(check(&both[1..]).is_err());
        assert!(check(&[]).is_err());
    }

    #[test]
    fn any_other_import_is_refused_by_name() {
        for other in ["wasi:random/random@0.3.0", "wasi:clocks/wall-clock@0.2.12"] {
            let imports = [
                "ours:database/query@0.1.0",
                "wasi:random/random@0.2.0",
                other,
            ];
            let refusal = check(&imports).expect_err(other);
            assert!(refusal.to_string().contains(other), "{refusal}");
        }
    }
}
