//! Every scenario through the package for JavaScript, in runtimes other than Node.js: by `cargo
//! xtask test --edge all`.

use anyhow::Result;
use batchintory_tests::ProcessSubject;
use batchintory_tests::language::Language;
use batchintory_tests::suite::{self, Layout, System};

async fn run_all(name: &str, runtime: &str, arguments: &[&str]) -> Result<()> {
    let program = ProcessSubject::start(Language::in_runtime(runtime, arguments, "subject")?)?;
    suite::run_all(
        (name, Language::JavaScript.place()),
        Layout::Together(System::Sqlite),
        async |inventory, meta| {
            program.open(&inventory.url, &meta.url).await?;
            Ok(program.clone())
        },
    )
    .await
}

#[tokio::test]
async fn deno_on_sqlite() -> Result<()> {
    let arguments = ["run", "--allow-all", "--node-modules-dir=manual"];
    run_all("Deno", "@deno/linux-x64-glibc/deno", &arguments).await
}

#[tokio::test]
async fn bun_on_sqlite() -> Result<()> {
    run_all("Bun", "@oven/bun-linux-x64/bin/bun", &["run"]).await
}

#[tokio::test]
async fn node_26_on_sqlite() -> Result<()> {
    run_all("Node.js 26", "node-26/bin/node", &[]).await
}
