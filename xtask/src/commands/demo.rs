//! `cargo xtask demo`: files of a real folder, processed in batches by a real command.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use anyhow::{Context, Result};
use clap::Args;

use crate::{component, step, workspace};

/// The meta table.
const TABLE: &str = "files";

/// Counts the lines of all files named on standard input; the number is the batch's result.
const COUNT_LINES: &str = "xargs -0 cat | wc -l";

/// The demonstration aims at about so many batches.
const BATCHES: u64 = 20;

/// Processes the files of a folder in batches, with a real command
///
/// Builds the planner and the command line tool, registers the files in an SQLite database in
/// target/demo, counts their lines batch by batch, and ends in a table of what was done. Run it
/// again: it finds nothing new. Files that were added in between are then the only ones processed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask demo\n  cargo xtask demo --dir ~/pictures\n  cargo xtask demo --serve"
)]
pub struct Demo {
    /// The folder [default: the sources of cargo's registry, or else this checkout]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Then show the dashboard on what was done, until Ctrl-C
    #[arg(long)]
    serve: bool,
}

impl Demo {
    pub fn run(self) -> Result<()> {
        let folders = match self.dir {
            Some(dir) => vec![
                fs::canonicalize(&dir).with_context(|| format!("no folder {}", dir.display()))?,
            ],
            None => default_folders()?,
        };
        let mut bytes = 0;
        for folder in &folders {
            bytes +=
                size(folder).with_context(|| format!("cannot look into {}", folder.display()))?;
        }
        let max_weight = max_weight(bytes);

        build(self.serve)?;
        let demo = Demonstration::new()?;
        demo.run(|batchintory| {
            batchintory
                .arg("register")
                .args(&folders)
                .args(["--table", TABLE])
        })?;
        demo.run(|batchintory| batchintory.arg("migrate"))?;
        demo.run(|batchintory| {
            batchintory
                .args(["run", "--job", "line-count", "--meta-table", TABLE])
                .args(["--max-weight", &max_weight, "--until-done", "--null"])
                .args(["--", "sh", "-c", COUNT_LINES])
        })?;
        demo.run(|batchintory| batchintory.args(["status", "--bytes"]))?;
        if self.serve {
            step::announce("the dashboard: open the address below, end with Ctrl-C");
            demo.run(|batchintory| batchintory.args(["serve", "--listen", "127.0.0.1:0"]))
        } else {
            step::announce("`cargo xtask demo --serve` shows this on a dashboard in the browser");
            Ok(())
        }
    }
}

/// Builds no more than is shown.
fn build(serve: bool) -> Result<()> {
    // With the features of the whole workspace, so that nothing is compiled again for the tests.
    let features: &[&str] = if serve {
        component::build_service()?;
        &[]
    } else {
        component::build_planner()?;
        &["--no-default-features"]
    };
    step::announce("batchintory: the command line tool");
    step::run(
        workspace::cargo()
            .args(["build", "--workspace", "--bin", "batchintory"])
            .args(features),
    )
}

/// The command line tool, at work in a folder where its default database is.
struct Demonstration {
    program: PathBuf,
    folder: PathBuf,
}

impl Demonstration {
    fn new() -> Result<Self> {
        let program = format!("debug/batchintory{}", env::consts::EXE_SUFFIX);
        let folder = workspace::target("demo");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", workspace::shown(&folder)))?;
        Ok(Self {
            program: workspace::target(&program),
            folder,
        })
    }

    fn run(&self, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<()> {
        let mut batchintory = Command::new(&self.program);
        batchintory.current_dir(&self.folder);
        // The demonstration is about its own database, whatever the user's settings are.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("BATCHINTORY_") {
                batchintory.env_remove(name);
            }
        }
        step::announce_and_run(arguments(&mut batchintory))
    }
}

/// The sources that cargo has downloaded, or else this checkout without what was built in it.
fn default_folders() -> Result<Vec<PathBuf>> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")));
    if let Some(sources) = cargo_home.map(|home| home.join("registry/src"))
        && sources.is_dir()
    {
        return Ok(vec![sources]);
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(workspace::root())? {
        let entry = entry?;
        if entry.file_name() != "target" && entry.file_name() != ".git" {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

/// The size of a file, or of all files in a folder.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
    } else {
        Ok(metadata.len())
    }
}

/// A limit that makes some 10 to 20 batches of so many bytes.
fn max_weight(bytes: u64) -> String {
    let kibibytes = (bytes / BATCHES).div_ceil(1024).max(1).next_power_of_two();
    if kibibytes < 1024 {
        format!("{kibibytes}KiB")
    } else {
        format!("{}MiB", kibibytes / 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_makes_between_half_as_many_batches_and_all() {
        assert_eq!(max_weight(0), "1KiB");
        assert_eq!(max_weight(20 * 1024), "1KiB");
        assert_eq!(max_weight(20 * 1024 + 20), "2KiB");
        assert_eq!(max_weight(259 << 20), "16MiB");
        assert_eq!(max_weight(6 << 30), "512MiB");
    }
}
