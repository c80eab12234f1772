//! The HTTP API, tried out by programs that know nothing of it but its description.
//!
//! `cargo xtask test` gives them a Python by BATCHINTORY_TEST_API_PYTHON; without one nothing is tried.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workplace::service::{Service, TOKEN};
use crate::workplace::{Workplace, ok, text};

/// The description as the service tells it, to those with a token.
const DESCRIPTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../http/src/openapi.json");

/// The Python that has schemathesis and openapi-spec-validator.
fn python() -> Option<PathBuf> {
    let python = env::var_os("BATCHINTORY_TEST_API_PYTHON");
    if python.is_none() {
        eprintln!(
            "skipped: run `cargo xtask test`, or set BATCHINTORY_TEST_API_PYTHON to a Python that has \
             schemathesis and openapi-spec-validator"
        );
    }
    python.map(PathBuf::from)
}

#[test]
fn the_description_is_openapi() {
    let Some(python) = python() else { return };
    let validator = Command::new(python)
        .args(["-m", "openapi_spec_validator", "--schema", "3.1"])
        .arg(DESCRIPTION)
        .output();
    ok(&validator.unwrap());
}

#[test]
fn the_service_is_as_described() {
    let Some(python) = python() else { return };
    let workplace = Workplace::prepared();
    // What the description's examples go by, and enough to hand out.
    for statement in [
        "ALTER TABLE files ADD COLUMN kind text DEFAULT 'parquet'",
        "ALTER TABLE files ADD COLUMN imported text",
        "WITH RECURSIVE ids (id) AS (SELECT 10 UNION ALL SELECT id + 1 FROM ids WHERE id < 5000)
         INSERT INTO files (uid, item, weight) SELECT id, 'file-' || id, id % 7 FROM ids",
    ] {
        workplace.execute(statement);
    }
    // Schemathesis sends wrong tokens on purpose, many of them.
    let service = Service::start(&workplace, TOKEN, &["--wrong-tokens", "0"]);
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/api");
    let mut schemathesis = Command::new(python);
    schemathesis
        .args(["-m", "schemathesis.cli", "--no-color", "--config-file"])
        .arg(configuration.join("schemathesis.toml"))
        .arg("run");
    if let Some(examples) = env::var_os("BATCHINTORY_TEST_EXAMPLES") {
        schemathesis.arg("--max-examples").arg(examples);
    }
    let found = schemathesis
        .arg(DESCRIPTION)
        .current_dir(workplace.directory.path())
        .env("BATCHINTORY_URL", &service.url)
        .env("BATCHINTORY_API_TOKEN", TOKEN)
        .output()
        .unwrap();
    let report = text(&found.stdout) + &text(&found.stderr);
    assert!(found.status.success(), "{report}");
    eprintln!("{report}");
    let log = service.end(&workplace);
    assert!(!log.contains(TOKEN), "the log has the API token");
    assert!(!log.contains("a request failed"), "{log}");
}
