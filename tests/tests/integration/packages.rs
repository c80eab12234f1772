//! The packages for other languages, as they are installed, by tests of their own.

use std::env;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use batchintory_tests::language::{JAVASCRIPT, PYTHON};
use tokio::process::Command;

async fn run(command: &mut Command) -> Result<()> {
    let status = command.status().await?;
    ensure!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn python() -> Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-adapters/python");
    let python = env::var_os(PYTHON).context(PYTHON)?;
    run(Command::new(python)
        .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
        .current_dir(package))
    .await
}

#[tokio::test]
async fn javascript() -> Result<()> {
    let home = env::var_os(JAVASCRIPT).context(JAVASCRIPT)?;
    run(Command::new("node")
        .args([
            "--test",
            "--test-concurrency",
            "2",
            "--test-reporter",
            "spec",
        ])
        .current_dir(home))
    .await
}
