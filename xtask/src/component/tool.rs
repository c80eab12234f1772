//! The program that makes components, see `xtask/componentize`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::{step, workspace};

/// The program, built.
pub struct Tool {
    program: PathBuf,
    /// Where it puts what it makes.
    folder: PathBuf,
}

/// A component that was made, and is not checked yet.
pub struct Made {
    pub file: PathBuf,
    /// What it imports.
    pub imports: Vec<String>,
}

impl Tool {
    /// Builds the program, with these of its features.
    pub fn build(features: &[&str]) -> Result<Self> {
        step::announce("component: the tool that makes components of modules");
        step::run(
            workspace::cargo()
                .args(["build", "--workspace", "--bin", "componentize"])
                .args(["--features", &features.join(",")]),
        )?;
        let folder = workspace::target("component/unchecked");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", workspace::shown(&folder)))?;
        Ok(Self {
            program: workspace::target(&format!("debug/componentize{}", env::consts::EXE_SUFFIX)),
            folder,
        })
    }

    /// Makes a component of a module.
    pub fn encode(&self, module: &Path) -> Result<Made> {
        let name = module.file_name().context("a module has a name")?;
        let file = self.folder.join(name);
        self.make(["encode".as_ref(), module], file)
    }

    /// Gives a component what another one exports of what it imports. What is left of its imports, and
    /// what the other one imports, the whole imports.
    pub fn plug(&self, socket: &Path, plug: &Path, name: &str) -> Result<Made> {
        self.make(["plug".as_ref(), socket, plug], self.folder.join(name))
    }

    /// Makes a package of a folder of WIT files.
    pub fn pack(&self, folder: &Path, file: PathBuf) -> Result<Made> {
        self.make(["wit".as_ref(), folder], file)
    }

    /// Fails where a world of one folder of WIT files is not what it was in another one, which has another version.
    pub fn compare(&self, before: &Path, now: &Path, world: &str) -> Result<()> {
        let arguments = ["compare".as_ref(), before, now, world.as_ref()];
        step::output(Command::new(&self.program).args(arguments)).map(drop)
    }

    fn make<const N: usize>(&self, arguments: [&Path; N], file: PathBuf) -> Result<Made> {
        let mut tool = Command::new(&self.program);
        let imports = step::output(tool.args(arguments).arg(&file))?;
        Ok(Made {
            file,
            imports: imports.lines().map(str::to_owned).collect(),
        })
    }
}
