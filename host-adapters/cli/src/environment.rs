//! What a command of `run` does not get of the environment: what leads into databases and services.

use std::env;
use std::ffi::{OsStr, OsString};

/// Of others' programs, whose drivers are ours too.
const SECRETS: [&str; 3] = ["PGPASSWORD", "PGSSLPASSWORD", "MYSQL_PWD"];

/// Our own variables, Spin's for our service, and pybatchintory's, by their beginnings and ends.
const OURS: [&str; 3] = ["BATCHINTORY_", "PYBATCHINTORY_", "SPIN_VARIABLE_"];
const SECRET_ENDS: [&str; 5] = ["_CONN", "_KEY", "_PASSWORD", "_TOKEN", "_TOKENS"];

/// The names of the variables that are kept from a command, but for those that are asked for.
pub fn withheld(passed: &[OsString]) -> Vec<OsString> {
    (env::vars_os().map(|(name, _)| name))
        .filter(|name| is_secret(name) && !passed.contains(name))
        .collect()
}

fn is_secret(name: &OsStr) -> bool {
    // One that is no text is none of these.
    let Some(name) = name.to_str() else {
        return false;
    };
    let is_ours = OURS.iter().any(|start| name.starts_with(start))
        && SECRET_ENDS.iter().any(|end| name.ends_with(end));
    is_ours || SECRETS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_settings() {
        for name in [
            "BATCHINTORY_INVENTORY_CONN",
            "BATCHINTORY_META_CONN",
            "PYBATCHINTORY_META_CONN",
            "BATCHINTORY_API_TOKEN",
            "SPIN_VARIABLE_INVENTORY_CONN",
            "SPIN_VARIABLE_API_TOKENS",
            "PGPASSWORD",
            "PGSSLPASSWORD",
            "MYSQL_PWD",
        ] {
            assert!(is_secret(OsStr::new(name)), "{name}");
        }
        for name in [
            "BATCHINTORY_INVENTORY_TABLE_NAME",
            "BATCHINTORY_JOB",
            "SPIN_VARIABLE_PUBLIC_URL",
            "PGHOST",
            "PATH",
            "API_TOKEN",
        ] {
            assert!(!is_secret(OsStr::new(name)), "{name}");
        }
    }
}
