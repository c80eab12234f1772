//! Makes components of modules and of components.
//!
//! A program of its own, since what it is built with is much, and only needed where a component is
//! built: `cargo xtask` calls it, and starts in seconds without it.

#![forbid(unsafe_code)]

#[cfg(feature = "compare")]
mod compare;
#[cfg(feature = "compose")]
mod compose;
mod imports;
mod names;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use wit_component::ComponentEncoder;
use wit_parser::Resolve;

/// Makes a component and prints what it imports, a line each
#[derive(Parser)]
enum Arguments {
    /// Of a core module that wit-bindgen made
    Encode {
        /// The module
        module: PathBuf,
        /// Where to write the component
        output: PathBuf,
    },
    /// Of a folder of WIT files: their package, for registries
    Wit {
        /// The folder
        folder: PathBuf,
        /// Where to write the package
        output: PathBuf,
    },
    /// Of a component, and one that exports what it imports
    #[cfg(feature = "compose")]
    Plug {
        /// The component that imports
        socket: PathBuf,
        /// The component that exports
        plug: PathBuf,
        /// Where to write the whole
        output: PathBuf,
    },
    /// None, but fails where those who rely on a world as it was could not go on with it as it is
    #[cfg(feature = "compare")]
    Compare {
        /// The folder of WIT files as they were, of another version
        before: PathBuf,
        /// The folder of WIT files as they are
        now: PathBuf,
        /// The world's name
        world: String,
    },
}

impl Arguments {
    fn run(self) -> Result<()> {
        let (component, output) = match self {
            Self::Encode { module, output } => (encode(&module)?, output),
            Self::Wit { folder, output } => (interfaces(&folder)?, output),
            #[cfg(feature = "compose")]
            Self::Plug {
                socket,
                plug,
                output,
            } => (compose::plug(&read(&socket)?, &read(&plug)?)?, output),
            #[cfg(feature = "compare")]
            Self::Compare { before, now, world } => return compare::worlds(&before, &now, &world),
        };
        let component = names::strip(&component)?;
        for import in imports::list(&component)? {
            println!("{import}");
        }
        fs::write(&output, component).with_context(|| format!("cannot write {}", output.display()))
    }
}

fn encode(module: &Path) -> Result<Vec<u8>> {
    let encode = |module: &[u8]| {
        ComponentEncoder::default()
            .validate(true)
            .module(module)?
            .encode()
    };
    encode(&read(module)?)
        .with_context(|| format!("{} cannot be made a component", module.display()))
}

fn interfaces(folder: &Path) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    wit_component::encode(&resolve, package)
        .with_context(|| format!("{} cannot be made a package", folder.display()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
