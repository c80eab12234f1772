//! The files that were packed.

use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

/// The version of everything.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The variable with the folder of what was packed.
const FOLDER: &str = "BATCHINTORY_TEST_PACKAGES";

/// The files of this kind, by the ends of their names.
pub fn files(kind: &str, end: &str) -> Vec<PathBuf> {
    let folder = env::var_os(FOLDER).expect("run `cargo xtask test --packages`");
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(&folder).join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| name(path).ends_with(end))
        .collect();
    files.sort();
    files
}

/// The only one.
pub fn file(kind: &str, end: &str) -> PathBuf {
    let mut files = files(kind, end);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// A file's name.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A file's SHA-256, in hexadecimal digits.
pub fn digest(path: &Path) -> String {
    let digest = Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A component as it was built.
pub fn component(name: &str) -> PathBuf {
    let folder = env::var_os(FOLDER).unwrap();
    Path::new(&folder).join("../component").join(name)
}
