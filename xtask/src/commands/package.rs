//! `cargo xtask package`: everything as it is published.

use std::fs;

use anyhow::Result;
use clap::Args;

use crate::{component, packages, workspace};

/// Packs the crates, the packages for Python and JavaScript, and the components into target/packages
///
/// Each as it would be published: components/*.wasm with the package of their interfaces, and with the
/// planner's component within crates/*.crate, python/*.tar.gz and *.whl, javascript/*.tgz. Nothing is sent anywhere. `cargo xtask test --packages` installs what
/// was packed in clean environments, and tests it there; CONTRIBUTING.md names the commands that publish.
#[derive(Args)]
pub struct Package {}

impl Package {
    pub fn run(self) -> Result<()> {
        packages::pack(&component::build()?)?;
        let packed = packages::built()?;
        for kind in ["components", "crates", "python", "javascript"] {
            for entry in fs::read_dir(packed.join(kind))? {
                println!("{}", workspace::shown(&entry?.path()));
            }
        }
        Ok(())
    }
}
