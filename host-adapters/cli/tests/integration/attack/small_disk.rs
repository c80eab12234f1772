//! A disk that is full when it is told to be: a small file system in memory.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// How large it is, as `mount` wants it.
const SIZE: &str = "size=24m,mode=0777";

pub(super) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Where that is allowed.
    pub(super) fn mount() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("batchintory-attack.")
            .tempdir_in("/tmp")?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "batchintory-attack"])
            .arg(folder.path())
            .output()?;
        ensure!(status.status.success(), "mount is not allowed");
        Ok(Self { folder })
    }

    /// An empty folder that belongs to PostgreSQL's user, who runs its server.
    pub(super) fn folder_of_postgres(&self) -> Result<PathBuf> {
        let folder = self.path().join("tablespace");
        fs::create_dir(&folder)?;
        let status = Command::new("chown")
            .arg("postgres")
            .arg(&folder)
            .status()?;
        ensure!(status.success(), "the folder cannot be given away");
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it to the last byte.
    pub(super) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.filler()).context("the disk")?;
        for size in [64 * 1024, 1] {
            let chunk = vec![0; size];
            while file.write_all(&chunk).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub(super) fn free(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("the disk")
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also while something on it is still open.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.folder.path())
            .status();
    }
}
