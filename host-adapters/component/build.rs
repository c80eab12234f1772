//! Finds the components that the crate embeds: in a checkout where `cargo xtask component` builds
//! them, in the published crate beside this file.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use sha2::{Digest, Sha256};

/// A component, and how it is told to the crate.
struct Component {
    feature: &'static str,
    file: &'static str,
    /// The variable of the environment that names another file.
    chosen: &'static str,
    /// The variable that the crate's code takes the file from.
    found: &'static str,
    /// The folders of a checkout that it is made of.
    sources: &'static [&'static str],
}

const COMPONENTS: [Component; 2] = [
    Component {
        feature: "CARGO_FEATURE_PLANNER",
        file: "batchintory.wasm",
        chosen: "BATCHINTORY_COMPONENT",
        found: "BATCHINTORY_PLANNER_FILE",
        sources: &["src", "wit"],
    },
    Component {
        feature: "CARGO_FEATURE_SERVICE",
        file: "batchintory-http.wasm",
        chosen: "BATCHINTORY_HTTP_COMPONENT",
        found: "BATCHINTORY_SERVICE_FILE",
        sources: &[
            "src",
            "wit",
            "host-adapters/http/src",
            "host-adapters/http/wit",
        ],
    },
];

fn main() {
    let is_wanted = |component: &&Component| env::var_os(component.feature).is_some();
    for component in COMPONENTS.iter().filter(is_wanted) {
        println!("cargo:rerun-if-env-changed={}", component.chosen);
        match component.find() {
            Ok(path) => println!("cargo:rustc-env={}={}", component.found, path.display()),
            Err(why) => println!("cargo::error={why}"),
        }
    }
}

impl Component {
    fn find(&self) -> Result<PathBuf, String> {
        if let Some(path) = env::var_os(self.chosen) {
            let path = PathBuf::from(path);
            println!("cargo:rerun-if-changed={}", path.display());
            return if path.is_file() {
                Ok(path)
            } else {
                Err(format!(
                    "there is no file {}, which {} names: name a component, or unset it",
                    path.display(),
                    self.chosen
                ))
            };
        }
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package.join("../..");
        if workspace.join("wit/inventory.wit").is_file() {
            self.built(&workspace)
        } else {
            self.packed(package)
        }
    }

    /// In a checkout.
    fn built(&self, workspace: &Path) -> Result<PathBuf, String> {
        let target = env::var_os("CARGO_TARGET_DIR");
        let target = target.map_or_else(|| workspace.join("target"), PathBuf::from);
        let component = target.join("component").join(self.file);
        println!("cargo:rerun-if-changed={}", component.display());
        let sources = || self.sources.iter().map(|folder| workspace.join(folder));
        for folder in sources() {
            println!("cargo:rerun-if-changed={}", folder.display());
        }
        let Ok(built) = fs::metadata(&component).and_then(|metadata| metadata.modified()) else {
            return Err(format!(
                "the component {} is missing: run `cargo xtask component` first",
                component.display()
            ));
        };
        if sources()
            .filter_map(|folder| newest(&folder))
            .any(|changed| changed > built)
        {
            println!(
                "cargo:warning=the component {} is older than its sources: run `cargo xtask \
                 component`",
                self.file
            );
        }
        Ok(component)
    }

    /// In the published crate: the very bytes that were packed.
    fn packed(&self, package: &Path) -> Result<PathBuf, String> {
        let path = package.join("packed").join(self.file);
        println!("cargo:rerun-if-changed={}", path.display());
        let read = |path: &Path| {
            fs::read(path).map_err(|error| {
                format!(
                    "cannot read {}: {error}. The crate must be packed by `cargo xtask package`",
                    path.display()
                )
            })
        };
        let bytes = read(&path)?;
        let expected = read(&path.with_added_extension("sha256"))?;
        let digest = Sha256::digest(&bytes);
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if String::from_utf8_lossy(&expected).trim() != found {
            return Err(format!(
                "{} is not the component that was packed: its SHA-256 is {found}. Fetch the crate \
                 again",
                path.display()
            ));
        }
        Ok(path)
    }
}

/// When anything in a folder was changed last. Snapshots of tests do not matter.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return newest(&path);
            }
            let counts = path.extension().is_some_and(|kind| {
                ["rs", "wit", "json", "css", "js"]
                    .iter()
                    .any(|known| kind == *known)
            });
            counts
                .then(|| entry.metadata().ok()?.modified().ok())
                .flatten()
        })
        .max()
}
